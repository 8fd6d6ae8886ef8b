import { parseWitnessVkey, type WitnessKey } from './note-key.js';
import { readSignatures } from './note.js';
import type { TrustBundle } from './trust-bundle.js';

/** Whose cosignatures count, and how many of them make a checkpoint witnessed. */
export interface WitnessPolicy {
  readonly witnesses: readonly WitnessKey[];
  /** How many different witnesses must have cosigned. 0: the ledger has no witness that its root key vouches for. */
  readonly quorum: number;
}

/**
 * The witnesses that an opened trust bundle names, and its quorum: all of them where it names none. A bundle without
 * witnesses, as earlier releases signed them, has the quorum 0: what it covers is never witnessed.
 */
export function witnessesOf({ witnesses = [], quorum }: TrustBundle): WitnessPolicy {
  return { witnesses: witnesses.map(({ vkey }) => parseWitnessVkey(vkey)), quorum: quorum ?? witnesses.length };
}

/** A witness that cosigned, and when: the newest of its cosignatures, in seconds since 1970. */
export interface Cosigner {
  readonly name: string;
  readonly time: number;
}

/**
 * The witnesses whose cosignatures stand under an attacker-controlled checkpoint note, each once; none is no error. One
 * cosignature of a known witness that does not verify rejects the whole note, as does a malformed one: LEDGER_CORRUPT. The log's
 * own signature is not asked for here: `openCheckpoint` does that.
 */
export function cosignedBy(note: string, witnesses: readonly WitnessKey[]): readonly Cosigner[] {
  const times = new Map<string, number>();
  for (const { signer, time = 0 } of readSignatures(note, witnesses).signatures) {
    times.set(signer.name, Math.max(time, times.get(signer.name) ?? 0));
  }
  return [...times].map(([name, time]) => ({ name, time }));
}
