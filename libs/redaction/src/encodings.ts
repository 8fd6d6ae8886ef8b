/** Bytes that are no text by chance: fewer printable ones in a row say nothing. */
const PRINTABLE_MIN = 10;
/** Hexadecimal digits of text that is long enough to be looked for. */
const HEX_MIN = 24;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const NO_VALUE = 255;
const VALUES = new Uint8Array(256).fill(NO_VALUE);
for (const [value, character] of [...ALPHABET].entries()) VALUES[character.charCodeAt(0)] = value;
// In base64url.
VALUES['-'.charCodeAt(0)] = 62;
VALUES['_'.charCodeAt(0)] = 63;

const isPrintable = (byte: number): boolean => /[\t\n\r\x20-\x7e]/.test(String.fromCharCode(byte));
/** What gzip and zlib begin with. */
const isCompressed = (byte: number): boolean => byte === 0x1f || byte === 0x78;

/** For each two characters in base64, which counters go on if they follow each other (see `readingsIn`). */
const GO_ON = Int32Array.from(
  { length: 1 << 12 },
  (_, bits) =>
    0xff |
    (isPrintable(bits >> 4) ? 0xff << 8 : 0) |
    (isPrintable((bits >> 2) & 255) ? 0xff << 16 : 0) |
    (isPrintable(bits & 255) ? 0xff << 24 : 0),
);
const ONE_MORE = 0x01_01_01_00;
/** Added to counters, it sets the highest bit of those that are at least `PRINTABLE_MIN`. */
const TO_MIN = 0x01_01_01_01 * (0x80 - PRINTABLE_MIN);
const HIGHEST = 0x80_80_80_80;

/**
 * In which readings characters without a blank may be text or something compressed in base64 or base64url, as bits: the lowest for groups
 * of four that begin at the first character, the next one for groups that begin at the second. It pays to decode these alone. Most
 * characters are names and random, and say nothing in any.
 */
export function readingsIn(characters: Uint8Array, start: number, end: number): number {
  let readings = 0;
  // Four counters of eight bits, of printable bytes in a row: the lowest of the reading for which the last character was the first of a group, the
  // next of the one for which it was the second, in which a byte ends, and so on. As one number
  // they need no branch, which would be guessed wrong at every other character.
  let counters = 0;
  let before = 0;
  let from = start;
  for (let at = start; at < end; at++) {
    const value = VALUES[characters[at] ?? 0] ?? 0;
    if (value === NO_VALUE) {
      from = at + 1;
      counters = 0;
      continue;
    }
    const pair = (before << 6) | value;
    before = value;
    counters = (((counters << 8) | (counters >>> 24)) + ONE_MORE) & (GO_ON[pair] ?? 0);
    if (at <= from + 4 && isCompressed((pair >> 4) & 255)) readings |= readingOf(at - start, 1);
    if (((counters + TO_MIN) & HIGHEST) === 0) continue;
    for (let place = 1; place < 4; place++) {
      if (((counters >>> (8 * place)) & 255) < PRINTABLE_MIN) continue;
      readings |= readingOf(at - start, place);
      counters &= ~(255 << (8 * place));
    }
  }
  return readings;
}

/** The reading in which a character has that place in a group. */
const readingOf = (index: number, place: number): number => 1 << ((index - place) & 3);

const IS_DIGIT = 1;
/** As the first of the two of a printable character. */
const IS_FIRST = 2;
const HEX_DIGITS = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return (/[0-9A-Fa-f]/.test(character) ? IS_DIGIT : 0) | (/[02-7]/.test(character) ? IS_FIRST : 0);
});

/** Whether characters without a blank may be text in hexadecimal. */
export function maySayInHex(characters: Uint8Array, start: number, end: number): boolean {
  if (end - start < HEX_MIN) return false;
  // Digits in a row that are such pairs, as they were at the last character and at the one before.
  let [last, before, previous] = [0, 0, 0];
  for (let at = start; at < end; at++) {
    const kind = HEX_DIGITS[characters[at] ?? 0] ?? 0;
    const digits = (previous & IS_FIRST) !== 0 && (kind & IS_DIGIT) !== 0 ? before + 2 : 0;
    if (digits >= HEX_MIN) return true;
    before = last;
    last = digits;
    previous = kind;
  }
  return false;
}
