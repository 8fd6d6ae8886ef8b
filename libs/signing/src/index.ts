export { decodeBase64, decodeBase64url } from './base64.js';
export { generateSigningKey, parseSigningKey, parseVerifyKey, SigningKey } from './key.js';
export { formatVkey, openNote, signNote, type NoteKey } from './note.js';
export { FILES_AUTHOR, parseManifest, SignedManifest, signManifest, verifyManifest } from './policy-manifest.js';
export type { Role } from './roles.js';
export {
  Authority,
  openTrustBundle,
  signTrustBundle,
  TrustBundle,
  trustedKey,
  type TrustedKey,
  withCurrentTypes,
} from './trust-bundle.js';
