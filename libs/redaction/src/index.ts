export { compileRedaction, type Redacted, type Redactor } from './redactor.js';
export { unmatchedPaths } from './schema-paths.js';
export { Secret } from './secret.js';
