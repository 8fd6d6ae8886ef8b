export { agentUri } from './agent-uri.js';
export { createCa, type KeyAndCertificate, LocalCa } from './local-ca.js';
