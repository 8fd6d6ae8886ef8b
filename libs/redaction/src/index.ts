export { asksForTokens } from './action.js';
export { compileRedaction, type Redacted, type RedactionMeans } from './redactor.js';
export { readRuleFile } from './rule-file.js';
export { unmatchedPaths } from './schema-paths.js';
export { Secret } from './secret.js';
