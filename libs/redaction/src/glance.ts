import type { Machine } from './anchors.js';
import { maySayInHex, readingsIn } from './encodings.js';

/** What one pass over a text says of it. */
export interface Glance {
  /** Rules that may find something in it, as far as their anchors say. */
  readonly low: number;
  readonly high: number;
  /** Which kinds of characters it has, as bits. */
  readonly has: number;
  /** The same of the parts alone that are long enough for an encoding, with the encodings that these may be in. */
  readonly hasInLong: number;
  /** The most digits in a row that nothing stands between but the signs in numbers. */
  readonly digits: number;
  /** Length of the longest part without a blank or a sign that no token has. */
  readonly longest: number;
}

const SYMBOL = 63;
/** What stands in no text of short words. */
const OTHER_SIGN = 64;
/** What escapes begin with. */
export const ESCAPE = 128;
/** What is neither printable ASCII nor a blank. */
export const DISGUISE = 256;
const DIGIT = 512;
const TOKEN = 1_024;
/** What may stand between the digits of a number. */
const IN_NUMBER = 2_048;
export const BOTH_CASES = 4_096 | 8_192;
/** What a line ends with, as it is and as an escape: encodings go on after it. */
const LINE_END = 16_384;
/** What long parts may say something in; the bits follow those of the kinds of characters. */
export const IN_BASE64 = 65_536;
export const IN_HEX = 131_072;

/** Shorter parts are encodings of nothing that is looked for. */
const LONG = 16;

/** The kinds of each ASCII character beside its symbol. */
const KINDS: readonly (readonly [bit: number, characters: RegExp])[] = [
  [OTHER_SIGN, /[^A-Za-z ,.'"();\n]/],
  [ESCAPE, /[%&\\+]/],
  [DISGUISE, /[^\x20-\x7e\s]/],
  [DIGIT, /\d/],
  [TOKEN, /[\w+/=-]/],
  [IN_NUMBER, /[\d ().+/-]/],
  [4_096, /[a-z]/],
  [8_192, /[A-Z]/],
  [LINE_END, /[\r\n\\]/],
];

/** The symbols of a machine and the kinds in one table, for one look at each byte. */
export function signsOf({ symbols }: Machine): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, code) => {
    // What is not ASCII has two bytes or more, which are nothing else.
    if (code > 127) return DISGUISE | OTHER_SIGN;
    const character = String.fromCharCode(code);
    return KINDS.reduce(
      (bits, [bit, characters]) => (characters.test(character) ? bits | bit : bits),
      symbols[code] ?? 0,
    );
  });
}

/** Whether there are only letters and the signs between words in a text. */
export const isOfLetters = ({ has }: Glance): boolean => (has & (OTHER_SIGN | DISGUISE)) === 0;

const encoder = new TextEncoder();
/** Bytes are read in a third of the time that characters take. */
const scratch = new Uint8Array(65_536);

/** Looks at each character of a text once. `signs` are those of the machine. */
export function glanceAt(text: string, machine: Machine, signs: Uint16Array): Glance {
  const { next, firstOpening, opened, beyond, always } = machine;
  const bytes = text.length * 3 < scratch.length ? scratch : new Uint8Array(text.length * 3 + 1);
  const { written } = encoder.encodeInto(text, bytes);
  // One more, which is no part of a token, so that the last run ends as every other one.
  bytes[written] = 0x20;
  let { low, high } = always;
  let [has, hasInLong, digits, row, longest, start, state] = [0, 0, 0, 0, 0, 0, 0];
  for (let at = 0; at <= written; at++) {
    const sign = signs[bytes[at] ?? 0] ?? 0;
    has |= sign;
    state = next[state | (sign & SYMBOL)] ?? 0;
    if ((sign & IN_NUMBER) === 0) row = 0;
    else if ((sign & DIGIT) !== 0 && ++row > digits) digits = row;
    if ((sign & TOKEN) === 0) {
      if (at - start > longest) longest = at - start;
      if (at - start >= LONG) hasInLong |= signsOfRun(bytes, start, at, signs);
      start = at + 1;
    }
    if (state < firstOpening) continue;
    for (const each of opened[(state - firstOpening) >> 6] ?? NONE) {
      if (each.exact !== undefined && !endsWith(bytes, at, each.exact)) continue;
      low |= each.low;
      high |= each.high;
    }
  }
  const isBeyond = (has & DISGUISE) !== 0;
  return {
    low: isBeyond ? low | beyond.low : low,
    high: isBeyond ? high | beyond.high : high,
    has,
    hasInLong,
    digits,
    longest,
  };
}

const NONE: readonly never[] = [];

/** The kinds of characters of a long part, and the encodings that it may be in. */
function signsOfRun(bytes: Uint8Array, start: number, end: number, signs: Uint16Array): number {
  let has = 0;
  for (let at = start; at < end; at++) has |= signs[bytes[at] ?? 0] ?? 0;
  const goesOn = ((signs[bytes[end] ?? 0] ?? 0) & LINE_END) !== 0;
  // Text in base64 has letters of both cases: numbers, words and names of constants are none.
  if (goesOn || ((has & BOTH_CASES) === BOTH_CASES && readingsIn(bytes, start, end) !== 0)) has |= IN_BASE64;
  return maySayInHex(bytes, start, end) ? has | IN_HEX : has;
}

function endsWith(bytes: Uint8Array, last: number, end: Uint8Array): boolean {
  const from = last + 1 - end.length;
  for (let at = 0; at < end.length; at++) if (bytes[from + at] !== end[at]) return false;
  return true;
}
