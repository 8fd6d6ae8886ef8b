import { hash, randomBytes } from 'node:crypto';
import { canonicalJson, type Json } from '#writ/contracts';

const SALT_BYTES = 16;

/** Random bytes are drawn for many salts at once: the system call costs more than the bytes. */
const POOL_BYTES = SALT_BYTES * 256;
let pool = Buffer.alloc(0);
let used = 0;

/** A fresh salt for one commitment: 128 random bits in base64url. Never use a salt twice. */
export function newSalt(): string {
  if (used === pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  used += SALT_BYTES;
  return pool.toString('base64url', used - SALT_BYTES, used);
}

/**
 * A salted commitment to a value at a JSON Pointer: `sd:` and the base64url of SHA-256 over the canonical JSON of
 * `[salt, path, value]` (the idea of RFC 9901). It says nothing about the value without the salt.
 */
export function commit(salt: string, path: string, value: Json): string {
  return commitText(salt, path, canonicalJson(value));
}

/** The same for a value whose canonical JSON is at hand. */
export function commitText(salt: string, path: string, canonical: string): string {
  return `sd:${hash('sha256', `["${salt}","${path}",${canonical}]`, 'base64url')}`;
}
