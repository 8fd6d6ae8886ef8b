import { createCipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { dataKeyId } from './key-id.js';

const KEY_BYTES = 32;
/** The synthetic initialisation vector, which is also what shows a token to be whole. */
const VECTOR_BYTES = 16;
/** Values are padded to a multiple of this: a token tells how long its value is no closer. */
const BLOCK_BYTES = 16;
/** Ends the value, zeros follow (ISO/IEC 7816-4). */
const PAD = 0x80;
const FORM = /^\[sealed:([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43,}):([a-z0-9-]{1,64})\]$/;

/** A data key with the name under which it is stored, which says of which tenant, holder, day and producer it is. */
export interface NamedKey {
  readonly name: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/**
 * Gives the token of a text of some kind: the text itself, sealed, such as `[sealed:<key id>.<box>:email]`. Half of a surrogate pair is
 * sealed as U+FFFD.
 */
export type Tokenise = (kind: string, text: string) => string;

/** A token taken apart. */
export interface Token {
  /** Names the data key, see `dataKeyId`. */
  readonly keyId: string;
  readonly kind: string;
  readonly box: Buffer;
}

/**
 * Makes tokens under a data key. Equal texts of one kind give equal tokens, for that is how they can be compared; beyond that a token
 * says nothing without the key. The construction is that of SIV (RFC 5297) with HMAC-SHA-256 and AES-256-CTR.
 */
export function tokeniserOf(dataKey: NamedKey): Tokenise {
  const keys = keysOf(dataKey);
  const keyId = dataKeyId(dataKey.name);
  return (kind, text) => {
    const plain = padded(Buffer.from(text));
    const vector = vectorOf(keys, kind, plain);
    const box = Buffer.concat([vector, crypt(keys, vector, plain)]);
    return `[sealed:${keyId}.${box.toString('base64url')}:${kind}]`;
  };
}

/** Takes a text apart that has the form of a token; undefined for any other. That it opens is not said. */
export function readToken(text: string): Token | undefined {
  const [, keyId, body, kind] = FORM.exec(text) ?? [];
  if (keyId === undefined || body === undefined || kind === undefined) return undefined;
  const box = Buffer.from(body, 'base64url');
  // Bits that decode to nothing would let one token be written in several ways.
  const isExact = box.length % BLOCK_BYTES === 0 && box.toString('base64url') === body;
  return isExact ? { keyId, kind, box } : undefined;
}

/** The text in a token; undefined when it was sealed under another key, as another kind, or was changed since. */
export function openToken(dataKey: NamedKey, { kind, box }: Token): string | undefined {
  const keys = keysOf(dataKey);
  const vector = box.subarray(0, VECTOR_BYTES);
  const plain = crypt(keys, vector, box.subarray(VECTOR_BYTES));
  if (!timingSafeEqual(vectorOf(keys, kind, plain), vector)) return undefined;
  return plain.subarray(0, plain.lastIndexOf(PAD)).toString('utf8');
}

interface TokenKeys {
  /** What it is about: never the same for two data keys. */
  readonly name: string;
  readonly vector: Buffer;
  readonly value: Buffer;
}

function keysOf({ name, key }: NamedKey): TokenKeys {
  const both = Buffer.from(hkdfSync('sha256', key, '', 'writ-token/v1', 2 * KEY_BYTES));
  return { name, vector: both.subarray(0, KEY_BYTES), value: both.subarray(KEY_BYTES) };
}

function vectorOf({ name, vector }: TokenKeys, kind: string, plain: Buffer): Buffer {
  // Neither a name nor a kind has a line break, so two values never give one text.
  const mac = createHmac('sha256', vector).update(`writ-token/v1\n${name}\n${kind}\n`).update(plain);
  return mac.digest().subarray(0, VECTOR_BYTES);
}

/** Both ways: a stream of key bytes is laid over the text. */
function crypt({ value }: TokenKeys, vector: Buffer, bytes: Buffer): Buffer {
  return createCipheriv('aes-256-ctr', value, vector).update(bytes);
}

function padded(bytes: Buffer): Buffer {
  const length = (Math.floor(bytes.length / BLOCK_BYTES) + 1) * BLOCK_BYTES;
  const block = Buffer.alloc(length);
  bytes.copy(block);
  block[bytes.length] = PAD;
  return block;
}
