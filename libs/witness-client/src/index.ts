export type { WitnessAddress, WitnessAnswer } from './ask-witness.js';
export { collectCosignatures } from './collect-cosignatures.js';
export { lastCosigned } from './last-cosigned.js';
