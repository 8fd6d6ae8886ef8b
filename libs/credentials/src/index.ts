export { CredentialBroker, type CredentialSources } from './broker.js';
export type { LeasedCredential } from './leased-credential.js';
