import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { Fault } from '#writ/faults';
import { decodeBase64url } from './base64.js';

const PUBLIC_KEY_BYTES = 32;
const SEED_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 16;

// DER of SubjectPublicKeyInfo and PKCS #8 for Ed25519 (RFC 8410) up to the raw key, which always stands last.
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

const KEY_FILE_VERSION = 'writ-signing-key/v1';
/** Key names stand in signed notes (C2SP): no white space, no control character, no plus sign. */
const KEY_NAME = /^[^\s+\p{Cc}]{1,256}$/u;

/** Whether a text may name a key: what a C2SP signed note allows. */
export function isKeyName(name: string): boolean {
  return KEY_NAME.test(name) && name.isWellFormed();
}

/** An Ed25519 public key (RFC 8032). `id` names it in block headers: base64url of the first 16 bytes of SHA-256 of the raw key. */
export class VerifyKey {
  readonly id: string;
  /** The 32 raw bytes in base64url. */
  readonly publicKey: string;
  readonly #key: KeyObject;

  constructor(readonly raw: Uint8Array) {
    if (raw.length !== PUBLIC_KEY_BYTES) throw new Fault('CONFIG_KEY', 'a public key has not 32 bytes');
    this.publicKey = Buffer.from(raw).toString('base64url');
    this.id = keyIdOf(raw);
    this.#key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
  }

  /** Whether `signature` is 64 bytes that this key made over exactly these bytes. Never throws on attacker-controlled bytes. */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length !== SIGNATURE_BYTES) return false;
    return verify(null, bytes, this.#key, signature);
  }
}

/** An Ed25519 private key with a name. Printing it shows the name and the public part alone. */
export class SigningKey {
  readonly id: string;
  readonly publicKey: string;
  readonly verifyKey: VerifyKey;
  readonly #seed: Buffer;
  readonly #key: KeyObject;

  constructor(
    readonly name: string,
    seed: Uint8Array,
  ) {
    if (!isKeyName(name))
      throw new Fault('CONFIG_KEY', 'a key name is empty, too long or has blanks, `+` or control characters');
    if (seed.length !== SEED_BYTES) throw new Fault('CONFIG_KEY', 'a signing key has not 32 bytes');
    this.#seed = Buffer.from(seed);
    this.#key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.#key).export({ format: 'der', type: 'spki' });
    this.verifyKey = new VerifyKey(spki.subarray(SPKI_PREFIX.length));
    this.id = this.verifyKey.id;
    this.publicKey = this.verifyKey.publicKey;
  }

  sign(bytes: Uint8Array): Buffer {
    return sign(null, bytes, this.#key);
  }

  /** The one line of a key file, with its line end. It is the secret: write it with mode 0600 and show it to nobody. */
  toFileText(): string {
    return `${KEY_FILE_VERSION} ${this.name} ${this.#seed.toString('base64url')}\n`;
  }
}

/** A fresh key from the system's random source. */
export function generateSigningKey(name: string): SigningKey {
  const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
  return new SigningKey(name, pkcs8.subarray(PKCS8_PREFIX.length));
}

/** Reads the text of a key file that `toFileText` wrote, or throws CONFIG_KEY. The message never repeats the text: it is a secret. */
export function parseSigningKey(text: string): SigningKey {
  const [version, name, encoded, ...rest] = text.replace(/\r?\n$/, '').split(' ');
  if (version !== KEY_FILE_VERSION)
    throw new Fault('CONFIG_KEY', `a key file does not start with \`${KEY_FILE_VERSION}\``);
  const seed = decodeBase64url(encoded ?? '', SEED_BYTES);
  if (name === undefined || seed === undefined || rest.length > 0) {
    throw new Fault(
      'CONFIG_KEY',
      'a key file is not `writ-signing-key/v1 NAME SEED` with a seed of 32 bytes in base64url',
    );
  }
  return new SigningKey(name, seed);
}

/** The public key of 32 raw bytes in base64url, or CONFIG_KEY. */
export function parseVerifyKey(publicKey: string): VerifyKey {
  const raw = decodeBase64url(publicKey, PUBLIC_KEY_BYTES);
  if (raw === undefined) throw new Fault('CONFIG_KEY', 'a public key is not 32 bytes in base64url');
  return new VerifyKey(raw);
}

function keyIdOf(raw: Uint8Array): string {
  return hash('sha256', raw, 'buffer').subarray(0, KEY_ID_BYTES).toString('base64url');
}
