import { canonicalJson, type Json, parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { z } from 'zod';
import { decodeBase64url } from './base64.js';
import type { SigningKey } from './key.js';
import type { Role } from './roles.js';
import type { Authority } from './trust-bundle.js';

const SIGNATURE_BYTES = 64;

/** Who publishes, where the files themselves are the publication: a decision service signs, and no operator may have the name. */
export const FILES_AUTHOR = 'files';

const manifest = {
  v: z.literal(1),
  /** The ledger of the deployment that it is for: elsewhere it counts for nothing. */
  ledger: z.string().max(256),
  /** Grows with each publication. One that is not higher than every version before it is a downgrade, and wants `over`. */
  version: z.int().min(1),
  /** Of the policy bundle. */
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  author: z.string().regex(/^[^\p{Cc}]{1,128}$/u),
  at: z.iso.datetime(),
  /** Of a downgrade: the version in force that it replaces. Over any other it counts for nothing, so it cannot be used again. */
  over: z.int().min(1).optional(),
};
const PolicyManifest = z.strictObject(manifest);
/** Says which policies are to be in force. */
export type PolicyManifest = Readonly<z.infer<typeof PolicyManifest>>;

/** A manifest with the id of the key that signed it, and its Ed25519 signature in base64url. */
export const SignedManifest = z.strictObject({ ...manifest, key: z.string().length(22), sig: z.string().length(86) });
export type SignedManifest = Readonly<z.infer<typeof SignedManifest>>;

export function signManifest(unsigned: PolicyManifest, key: SigningKey): SignedManifest {
  return { ...unsigned, key: key.id, sig: key.sign(signedBytes(unsigned)).toString('base64url') };
}

/**
 * Checks that a key of one of the roles signed it, for this ledger. Throws POLICY_UNSIGNED.
 */
export function verifyManifest(signed: SignedManifest, authority: Authority, roles: readonly Role[]): void {
  const { key: id, sig, ...unsigned } = signed;
  const key = authority.keyOf(id);
  const signature = decodeBase64url(sig, SIGNATURE_BYTES);
  const isSigned = key !== undefined && signature !== undefined && key.key.verify(signedBytes(unsigned), signature);
  if (!isSigned) throw new Fault('POLICY_UNSIGNED', 'no key of the trust bundle signed the policy manifest');
  if (!roles.includes(key.role)) {
    throw new Fault('POLICY_UNSIGNED', `the key \`${key.name}\` of role \`${key.role}\` may not publish policies`);
  }
  if (signed.ledger !== authority.ledger) {
    throw new Fault('POLICY_UNSIGNED', `the policy manifest is for another ledger, \`${signed.ledger}\``);
  }
}

/** Reads the text of a manifest file. Throws POLICY_UNSIGNED. */
export function parseManifest(text: string): SignedManifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Fault('POLICY_UNSIGNED', 'the policy manifest is not JSON', { cause });
  }
  return parse(SignedManifest, json, 'POLICY_UNSIGNED');
}

function signedBytes(unsigned: PolicyManifest): Buffer {
  return Buffer.from(`writ-policy-manifest/v1\n${canonicalJson(unsigned as unknown as Json)}`);
}
