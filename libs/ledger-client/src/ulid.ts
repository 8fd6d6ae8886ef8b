import { randomBytes } from 'node:crypto';

const ALPHABET = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
const TIME_LENGTH = 10;
const LENGTH = 26;
const POOL_BYTES = 1600;
let pool = Buffer.alloc(0);
let used = POOL_BYTES;
const text = Buffer.alloc(LENGTH);
let writtenMs = -1;

/** A ULID: 48 bits of Unix milliseconds and 80 random bits in Crockford base32, 26 characters. Sorts by time. */
export function ulid(nowMs: number): string {
  if (used + LENGTH - TIME_LENGTH > pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  if (nowMs !== writtenMs) writeTime(nowMs);
  for (let i = TIME_LENGTH; i < LENGTH; i++) text[i] = ALPHABET[(pool[used++] ?? 0) & 31] ?? 0;
  return text.toString('latin1');
}

function writeTime(nowMs: number): void {
  writtenMs = nowMs;
  let rest = nowMs;
  for (let i = TIME_LENGTH - 1; i >= 0; i--) {
    text[i] = ALPHABET[rest % 32] ?? 0;
    rest = Math.floor(rest / 32);
  }
}
