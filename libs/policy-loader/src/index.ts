export { loadPolicies } from './load-policies.js';
export { loadRules } from './load-rules.js';
