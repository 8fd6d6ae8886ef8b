export { loadPolicies } from './load-policies.js';
export { loadRules } from './load-rules.js';
export { MANIFEST_FILE } from './policy-files.js';
