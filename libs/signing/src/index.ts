export { decodeBase64, decodeBase64url } from './base64.js';
export { generateSigningKey, parseSigningKey, parseVerifyKey, SigningKey, VerifyKey } from './key.js';
export { formatVkey, openNote, parseVkey, signNote, type NoteKey, type OpenedNote } from './note.js';
export { ROLE_TYPES, type Role } from './roles.js';
export {
  Authority,
  openTrustBundle,
  signTrustBundle,
  TrustBundle,
  trustedKey,
  type TrustedKey,
  type TrustedKeyRecord,
} from './trust-bundle.js';
