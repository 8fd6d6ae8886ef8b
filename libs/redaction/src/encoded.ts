import { readingsIn } from './encodings.js';
import { BOTH_CASES, type Glance, IN_BASE64, IN_HEX } from './glance.js';
import { constants, gunzipSync, inflateSync } from 'node:zlib';

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
/** Text in base64 has letters of both cases: numbers, words and names of constants are none, and need not be decoded. */
const MIXED = /[a-z][^a-z]*[A-Z]|[A-Z][^A-Z]*[a-z]/;
/** Bytes that are no text by chance: fewer printable ones in a row say nothing. */
const PRINTABLE = /[\t\n\r\x20-\x7e]{10,}/g;

/** How many times longer than it is something compressed may be: gzip can say a thousand times more, and all of it would be scanned. */
const INFLATION_MAX = 20;
const INFLATED_BYTES_MIN = 4_096;

/** What a text holds in base64, base64url or hexadecimal, compressed or not, as far as that is readable text in turn. */
export function encodedParts(text: string, { has, hasInLong }: Glance): readonly Encoded[] {
  const parts: Encoded[] = [];
  // Where it goes on in the next line both cases may stand there.
  if ((hasInLong & IN_BASE64) !== 0 && (has & BOTH_CASES) === BOTH_CASES) add(parts, text, BASE64, fromBase64);
  if ((hasInLong & IN_HEX) !== 0) add(parts, text, HEX, fromHex);
  return parts;
}

function add(parts: Encoded[], text: string, pattern: RegExp, decode: (run: string) => readonly Buffer[]): void {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [run] = match;
    const texts = decode(run).flatMap((bytes) => readable(inflated(bytes) ?? bytes));
    if (texts.length > 0) parts.push({ start: match.index, end: match.index + run.length, texts });
  }
}

function fromHex(run: string): readonly Buffer[] {
  return [Buffer.from(run, 'hex')];
}

/** Something may stand before it that is in the same alphabet, so it is read from each of the four places in a group. */
function fromBase64(run: string): readonly Buffer[] {
  if (!MIXED.test(run)) return [];
  const joined = run.replaceAll(/\\n|\s/g, '');
  const readings = readingsIn(Buffer.from(joined, 'latin1'), 0, joined.length);
  return OFFSETS.filter((offset) => (readings & (1 << offset)) !== 0).map((offset) =>
    Buffer.from(joined.slice(offset), 'base64'),
  );
}

const OFFSETS = [0, 1, 2, 3] as const;

function readable(bytes: Buffer): readonly string[] {
  return bytes.toString('latin1').match(PRINTABLE) ?? [];
}

/**
 * What gzip (RFC 1952) or zlib (RFC 1950) compressed, also when its end is missing; undefined for other bytes. Throws a RangeError
 * when it is far longer than it is compressed: it cannot be scanned then.
 */
function inflated(bytes: Buffer): Buffer | undefined {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const isZlib = bytes[0] === 0x78 && bytes.length > 2 && bytes.readUInt16BE(0) % 31 === 0;
  if (!isGzip && !isZlib) return undefined;
  const maxOutputLength = Math.max(INFLATED_BYTES_MIN, INFLATION_MAX * bytes.length);
  try {
    return (isGzip ? gunzipSync : inflateSync)(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw thrown;
    return undefined;
  }
}
