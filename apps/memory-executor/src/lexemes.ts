import { isStopWord, stem, wordsOf } from './words.js';

/** PostgreSQL counts positions no further, and a tsvector has at most a megabyte: words beyond either are not found. */
const POSITION_MAX = 16_383;
const LEXEMES_MAX = 4_096;
/** Each is looked for in each record that the filter lets through. */
const SOUGHT_MAX = 256;

/**
 * The words of a text, by which it is found, as a literal of PostgreSQL's `tsvector`. They are made here and not by a configuration of
 * the database: the same text has the same words on each server, whatever its locale. Of a longer text the first 4,096 different words
 * among the first 16,383 count.
 */
export function toTsvector(text: string): string {
  const places = new Map<string, number[]>();
  let position = 0;
  for (const lexeme of lexemesOf(text)) {
    position += 1;
    if (position > POSITION_MAX) break;
    const known = places.get(lexeme);
    if (known !== undefined) known.push(position);
    else if (places.size < LEXEMES_MAX) places.set(lexeme, [position]);
  }
  return [...places].map(([lexeme, at]) => `'${lexeme}':${at.join(',')}`).join(' ');
}

/** Any of the words of a text, as a literal of `tsquery`; of many words the first 256 different ones. Empty when there is none. */
export function toTsquery(text: string): string {
  const sought = new Set<string>();
  for (const lexeme of lexemesOf(text)) {
    sought.add(lexeme);
    if (sought.size === SOUGHT_MAX) break;
  }
  return [...sought].map((lexeme) => `'${lexeme}'`).join(' | ');
}

/** Letters, marks and digits alone: no lexeme has a quote or a backslash in it, so none ends the literal that it stands in. */
function* lexemesOf(text: string): Generator<string> {
  for (const word of wordsOf(text)) {
    // A long run may have been cut through a character; half of one cannot be sent.
    const lexeme = stem(word).replaceAll(/\p{Surrogate}/gu, '');
    if (lexeme !== '' && !isStopWord(word)) yield lexeme;
  }
}
