export { createCa, LocalCa } from './local-ca.js';
