export { initWitness } from './directory.js';
export { runWitness } from './run-witness.js';
