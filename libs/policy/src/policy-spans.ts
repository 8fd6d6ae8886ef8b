import type { EntityUid, PolicySetName } from './bundle.js';
import { effectOffset, placeIn, type Span, tokensOf } from './policy-text.js';

/** A text, and where in its file it starts (from 1). */
export interface PlacedText {
  readonly set: PolicySetName;
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly text: string;
}

/** Where a problem stands: `length` ends with the line at the latest. */
export interface SpanPlace {
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly length: number;
}

/** Line and column in the file of a span of the text. */
export function placeOfSpan({ file, line, col, text }: Omit<PlacedText, 'set'>, { start, end }: Span): SpanPlace {
  const at = placeIn(text, start);
  const lineEnd = /[\r\n]|$/g;
  lineEnd.lastIndex = start;
  const stop = Math.min(end, lineEnd.exec(text)?.index ?? text.length);
  return {
    file,
    line: line + at.line - 1,
    col: at.line === 1 ? col + at.col - 1 : at.col,
    length: Math.max(1, stop - start),
  };
}

/** A span of UTF-8 bytes, as Cedar gives it, in UTF-16 units. */
export function spanOfBytes(text: string, start: number, end: number): Span {
  const bytes = Buffer.from(text);
  const before = bytes.subarray(0, start).toString().length;
  return { start: before, end: before + bytes.subarray(start, Math.max(start, end)).toString().length };
}

/** `permit (…)` or `forbid (…)`: what a problem with the whole policy points at. */
export function headSpan(text: string): Span {
  const start = effectOffset(text);
  let depth = 0;
  for (const token of tokensOf(text.slice(start))) {
    if (token.kind === 'mark' && token.text === '(') depth += 1;
    if (token.kind === 'mark' && token.text === ')' && --depth === 0) return { start, end: start + token.end };
  }
  return tokenSpan(text, start);
}

/** `@name("…")`. Undefined when the policy does not have it. */
export function annotationSpan(text: string, name: string): Span | undefined {
  const tokens = tokensOf(text.slice(0, effectOffset(text)));
  const at = tokens.findIndex((token, i) => token.text === name && tokens[i - 1]?.text === '@');
  const [mark, word] = [tokens[at - 1], tokens[at]];
  if (mark === undefined || word === undefined) return undefined;
  const close = tokens[at + 1]?.text === '(' ? tokens.slice(at).find(({ text: each }) => each === ')') : undefined;
  return { start: mark.start, end: (close ?? word).end };
}

/** `Team::"staff"`, where it stands first; undefined when it does not, or not in that spelling. */
export function entitySpan(text: string, { type, id }: EntityUid): Span | undefined {
  const tokens = tokensOf(text);
  for (const [at, name] of tokens.entries()) {
    const [mark, quoted] = [tokens[at + 1], tokens[at + 2]];
    if (name.text !== type || mark?.text !== '::' || quoted?.text !== JSON.stringify(id)) continue;
    return { start: name.start, end: quoted.end };
  }
  return undefined;
}

/** The last name of the path that a `has` asks for, such as `cc` of `context.input has cc`. */
export function hasSpan(text: string, path: readonly string[]): Span | undefined {
  const wanted = path.at(-1);
  const tokens = tokensOf(text);
  for (const [at, { text: keyword }] of tokens.entries()) {
    if (keyword !== 'has') continue;
    const after = tokens.slice(at + 1);
    const end = after.findIndex((token, i) => i % 2 === 1 && token.text !== '.');
    const named = after.slice(0, end < 0 ? undefined : end);
    const found = named.find(({ text: name }) => name === wanted || name === JSON.stringify(wanted));
    if (found !== undefined) return { start: found.start, end: found.end };
  }
  return undefined;
}

/** The integers of a policy that a double cannot carry. */
export function oversizedIntegers(text: string): readonly Span[] {
  return tokensOf(text)
    .filter(
      ({ kind, text: digits }) => kind === 'word' && /^\d{16,}$/.test(digits) && !Number.isSafeInteger(Number(digits)),
    )
    .map(({ start, end }) => ({ start, end }));
}

/** The word, string or mark that starts at the offset. */
export function tokenSpan(text: string, offset: number): Span {
  const [token] = tokensOf(text.slice(offset));
  return { start: offset, end: offset + Math.max(1, token?.end ?? 1) };
}
