export { type LoadOptions, loadPolicies } from './load-policies.js';
export { type WatchOptions, watchPolicies } from './watch-policies.js';
