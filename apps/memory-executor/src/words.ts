const STOP_WORDS: ReadonlySet<string> = new Set(
  'a an and are as at be but by for from has have in is it its not of on or that the their this to was were will with'.split(
    ' ',
  ),
);
/** A longer run without a blank is not a word; it is cut, so that the work grows with the length of the text only. */
const WORD_CHARACTERS_MAX = 64;

/** The words of a text in order: runs of letters, marks and digits, in lower case and compatibility form (NFKC). */
export function* wordsOf(text: string): Generator<string> {
  for (const [run] of text
    .normalize('NFKC')
    .toLowerCase()
    .matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    for (let at = 0; at < run.length; at += WORD_CHARACTERS_MAX) yield run.slice(at, at + WORD_CHARACTERS_MAX);
  }
}

/** Whether a word is so common in English that it says little about a text. */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word);
}

const SUFFIXES: readonly (readonly [ending: RegExp, replacement: string])[] = [
  [/ies$/, 'y'],
  [/(ss|x|ch|sh)es$/, '$1'],
  [/([^su])s$/, '$1'],
  [/(at|iz)ing$/, '$1e'],
  [/([a-z]{3})ing$/, '$1'],
  [/([a-z]{3})ed$/, '$1'],
  [/([a-z]{3})ly$/, '$1'],
];

/** Takes common English endings off a word. It is light on purpose: what it leaves apart is not falsely made one. */
export function stem(word: string): string {
  let stemmed = word;
  for (const [ending, replacement] of SUFFIXES) {
    if (stemmed.length > 3) stemmed = stemmed.replace(ending, replacement);
  }
  return stemmed;
}
