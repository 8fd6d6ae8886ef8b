export type { KeyedHash } from './action.js';
export { compileRedaction, type Redacted } from './redactor.js';
export { unmatchedPaths } from './schema-paths.js';
export { Secret } from './secret.js';
