import { Fault } from '#writ/faults';
import { createPrivateKey, createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A user of the bus: the seed is the secret, the public key is what the server knows. */
export interface UserNkey {
  readonly seed: string;
  readonly publicKey: string;
}

// The nkey format of NATS: base32 of prefix, 32 bytes of Ed25519 seed or public key, and a CRC-16 of all that.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const USER_PREFIX = 20 << 3;
const SEED_PREFIX = [(18 << 3) | (USER_PREFIX >> 5), (USER_PREFIX & 0b11111) << 3] as const;
const KEY_BYTES = 32;
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A fresh user key from the system's random source. */
export function createUserNkey(): UserNkey {
  return userNkey(randomBytes(KEY_BYTES));
}

/** The user key of a seed, or CONFIG_KEY. The message never repeats the seed. */
export function parseUserNkey(seed: string): UserNkey {
  return userNkey(rawSeed(seed));
}

/** What signs the server's nonce at connect. node:crypto, because the client library's own signature takes 100 times longer. */
export function nonceSigner(seed: string): { readonly publicKey: string; sign(nonce: string): string } {
  const raw = rawSeed(seed);
  const key = privateKey(raw);
  return {
    publicKey: userNkey(raw).publicKey,
    sign: (nonce) => sign(null, Buffer.from(nonce), key).toString('base64url'),
  };
}

function userNkey(raw: Buffer): UserNkey {
  const spki = createPublicKey(privateKey(raw)).export({ format: 'der', type: 'spki' });
  return {
    seed: encode(Buffer.from([...SEED_PREFIX, ...raw])),
    publicKey: encode(Buffer.from([USER_PREFIX, ...spki.subarray(-KEY_BYTES)])),
  };
}

function rawSeed(seed: string): Buffer {
  const bytes = decode(seed.trim());
  const isUserSeed = bytes?.length === KEY_BYTES + 2 && SEED_PREFIX.every((byte, at) => bytes[at] === byte);
  if (!isUserSeed) throw new Fault('CONFIG_KEY', 'a seed of a bus user is damaged');
  return bytes.subarray(2);
}

function privateKey(raw: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, raw]), format: 'der', type: 'pkcs8' });
}

function encode(payload: Buffer): string {
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(crc16(payload));
  let bits = 0;
  let value = 0;
  let text = '';
  for (const byte of [...payload, ...sum]) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((value >> bits) & 31);
    }
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET.charAt((value << (5 - bits)) & 31);
}

function decode(text: string): Buffer | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return undefined;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 255);
    }
    value &= (1 << bits) - 1;
  }
  const payload = Buffer.from(bytes.slice(0, -2));
  // The last letter has bits that no byte takes: only one spelling of it counts.
  return bytes.length > 2 && encode(payload) === text ? payload : undefined;
}

/** CRC-16/XMODEM. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc;
}
