export { CredentialBroker, processSources } from './broker.js';
export type { LeasedCredential } from './leased-credential.js';
