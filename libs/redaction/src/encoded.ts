/** A part of a text that says something else than it shows. */
export interface Encoded {
  readonly start: number;
  readonly end: number;
  /** What it says; several when it is not known where it begins. */
  readonly texts: readonly string[];
}

/** Base64 and base64url, also in lines. The parts are told apart by the ends of lines, which neither has. */
const BASE64 = /[A-Za-z0-9+/_-]{16,}(?:(?:\r?\n|\\n)[A-Za-z0-9+/_-]{4,})*={0,2}/g;
/** Hexadecimal of printable characters alone: sums and ids, which are of any bytes, are none. */
const HEX = /(?:[2-7][0-9A-Fa-f]|0[9AaDd]){12,}/g;
/** Cheap and necessary: without a run of characters there is nothing encoded. */
const GATE = /[A-Za-z0-9+/_-]{16}/;
/** Text in base64 has letters of both cases: numbers, words and names of constants are none, and need not be decoded. */
const BOTH_CASES = /[a-z][^a-z]*[A-Z]|[A-Z][^A-Z]*[a-z]/;
/** Bytes that are no text by chance: fewer printable ones in a row say nothing. */
const PRINTABLE = /[\t\n\r\x20-\x7e]{10,}/g;

/** What a text holds in base64, base64url or hexadecimal, as far as that is readable text in turn. */
export function encodedParts(text: string): readonly Encoded[] {
  if (!GATE.test(text)) return NONE;
  const parts: Encoded[] = [];
  add(parts, text, BASE64, fromBase64);
  add(parts, text, HEX, fromHex);
  return parts;
}

const NONE: readonly Encoded[] = [];

function add(parts: Encoded[], text: string, pattern: RegExp, decode: (run: string) => readonly Buffer[]): void {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [run] = match;
    const texts = decode(run).flatMap(readable);
    if (texts.length > 0) parts.push({ start: match.index, end: match.index + run.length, texts });
  }
}

function fromHex(run: string): readonly Buffer[] {
  return [Buffer.from(run, 'hex')];
}

/** Something may stand before it that is in the same alphabet, so it is read from each of the four places in a group. */
function fromBase64(run: string): readonly Buffer[] {
  if (!BOTH_CASES.test(run)) return [];
  const joined = run.replaceAll(/\\n|\s/g, '');
  return [0, 1, 2, 3].map((offset) => Buffer.from(joined.slice(offset), 'base64'));
}

function readable(bytes: Buffer): readonly string[] {
  return bytes.toString('latin1').match(PRINTABLE) ?? [];
}
