export { type ListedSecret, SecretStore, type SecretValues } from './secret-store.js';
export { secretPlace } from './secret-place.js';
