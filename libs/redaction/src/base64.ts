/** Bytes that are no text by chance: fewer printable ones in a row say nothing. */
const PRINTABLE_MIN = 10;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Uint8Array(128);
for (const [value, character] of [...ALPHABET].entries()) VALUES[character.charCodeAt(0)] = value;
// In base64url.
VALUES['-'.charCodeAt(0)] = 62;
VALUES['_'.charCodeAt(0)] = 63;

const IS_PRINTABLE = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[\t\n\r\x20-\x7e]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/**
 * Whether bytes in base64 or base64url, read from an offset on, may be text in part or may be compressed: whether it pays to decode
 * them. Most runs of letters and digits are names and random, and say nothing.
 */
export function maySay(run: string, offset: number): boolean {
  let printable = 0;
  let bits = 0;
  let count = 0;
  let bytes = 0;
  for (let at = offset; at < run.length; at++) {
    bits = ((bits << 6) | (VALUES[run.charCodeAt(at)] ?? 0)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    const byte = (bits >> count) & 255;
    // What gzip and zlib begin with.
    if (bytes++ === 0 && (byte === 0x1f || byte === 0x78)) return true;
    printable = IS_PRINTABLE[byte] === 1 ? printable + 1 : 0;
    if (printable === PRINTABLE_MIN) return true;
  }
  return false;
}
