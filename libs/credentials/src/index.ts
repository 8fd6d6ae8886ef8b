export { CredentialBroker } from './broker.js';
export type { LeasedCredential } from './leased-credential.js';
export { openBroker } from './open-broker.js';
export { processSources } from './sources.js';
export type { CredentialUse, LeaseUse } from './token-request.js';
