import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const POOL_BYTES = 1600;
let pool = Buffer.alloc(0);
let used = POOL_BYTES;

/** A ULID: 48 bits of Unix milliseconds and 80 random bits in Crockford base32, 26 characters. Sorts by time. */
export function ulid(nowMs: number): string {
  if (used + 16 > pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  let text = '';
  let time = nowMs;
  for (let i = 0; i < 10; i++) {
    text = (ALPHABET[time % 32] ?? '') + text;
    time = Math.floor(time / 32);
  }
  for (let i = 0; i < 16; i++) text += ALPHABET[(pool[used++] ?? 0) & 31] ?? '';
  return text;
}
