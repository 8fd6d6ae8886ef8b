import type { SigningKey, VerifyKey } from './key.js';
import { signatureLine, type WitnessKey } from './note-key.js';

const TIME_BYTES = 8;

/** What a cosignature says besides the text that it stands under. */
export interface Cosignature {
  /** When the witness signed, in seconds since 1970. */
  readonly time: number;
}

/** The public side of a witness's key. A key that makes cosignatures is used for nothing else. */
export function witnessKeyOf(key: SigningKey): WitnessKey {
  return { name: key.name, key: key.verifyKey, type: 'cosignature/v1' };
}

/**
 * The signature line, without its line end, by which a witness says that it saw this checkpoint text at that time (C2SP
 * tlog-cosignature 1.0.1, Ed25519). `time` is in whole seconds since 1970.
 */
export function cosign(text: string, key: SigningKey, time: number): string {
  if (!Number.isSafeInteger(time) || time < 1) throw new RangeError('a cosignature has a time in whole seconds');
  const stamp = Buffer.alloc(TIME_BYTES);
  stamp.writeBigUInt64BE(BigInt(time));
  return signatureLine(witnessKeyOf(key), Buffer.concat([stamp, key.sign(cosignedBytes(text, time))]));
}

/** The time in a cosignature of this key over this text; undefined when it is none. Never throws on attacker-controlled bytes. */
export function verifyCosignature(key: VerifyKey, text: string, signature: Buffer): Cosignature | undefined {
  if (signature.length <= TIME_BYTES) return undefined;
  const time = Number(signature.readBigUInt64BE(0));
  // A time that a double does not carry would be verified as another one than is told.
  if (!Number.isSafeInteger(time) || time < 1) return undefined;
  return key.verify(cosignedBytes(text, time), signature.subarray(TIME_BYTES)) ? { time } : undefined;
}

function cosignedBytes(text: string, time: number): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
}
