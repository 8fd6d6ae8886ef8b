export { bundleCacheFolder, openCachedBundle } from './bundle-cache.js';
export { loadPolicies } from './load-policies.js';
export { entitiesOf, loadRules } from './load-rules.js';
export { listPolicyFiles, MANIFEST_FILE } from './policy-files.js';
export { readRegularFile } from './read-regular-file.js';
