export { decodeBase64, decodeBase64url } from './base64.js';
export { generateSigningKey, parseSigningKey, parseVerifyKey, SigningKey } from './key.js';
export { cosign, witnessKeyOf } from './cosignature.js';
export { formatVkey, parseVkey, parseWitnessVkey, type NoteKey, type WitnessKey } from './note-key.js';
export { type NoteSignature, openNote, signNote } from './note.js';
export { FILES_AUTHOR, parseManifest, SignedManifest, signManifest, verifyManifest } from './policy-manifest.js';
export type { Role } from './roles.js';
export {
  Authority,
  type BlockPlace,
  CLOSED_LEDGERS_MAX,
  type ClosedLedger,
  isPastEnd,
  type LogKey,
  openTrustBundle,
  signTrustBundle,
  TrustBundle,
  trustedKey,
  type TrustedKey,
  type TrustedKeyRecord,
  withCurrentTypes,
} from './trust-bundle.js';
export { cosignedBy, witnessesOf, type Cosigner, type WitnessPolicy } from './witnesses.js';
