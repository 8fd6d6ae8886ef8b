import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What a box is longer than what it holds. */
export const BOX_BYTES_MIN = NONCE_BYTES + TAG_BYTES;

/**
 * Seals bytes with AES-256-GCM under a fresh nonce: nonce, ciphertext, tag. `about` binds the box to what it is about, so that
 * elsewhere it does not open. The key has 32 bytes.
 */
export function sealBox(key: Uint8Array, about: string, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(about));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens such a box. Throws an Error when it was sealed under another key, about something else, or was changed. */
export function openBox(key: Uint8Array, about: string, box: Buffer): Buffer {
  if (box.length < BOX_BYTES_MIN) throw new Error('a box is too short');
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(about));
  decipher.setAuthTag(box.subarray(box.length - TAG_BYTES));
  return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, box.length - TAG_BYTES)), decipher.final()]);
}
