export {
  BLOCK_BYTES_MAX,
  BLOCK_ENTRIES_MAX,
  ENTRY_BYTES_MAX,
  FIRST_PREV,
  openBlock,
  sealBlock,
  type Block,
  type BlockHeader,
  type SealedBlock,
} from './block.js';
export { openCheckpoint, parseCheckpoint, signCheckpoint, type Checkpoint, type TreeHead } from './checkpoint.js';
export { commit, newSalt } from './commitment.js';
export { leafHash, nodeHash } from './hash.js';
export type { LedgerMessage } from './judge-message.js';
export { Frontier, merkleRoot } from './merkle.js';
export { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from './proof.js';
export { refusalOf, type Refusal } from './refusal.js';
export { ProblemList, type Problem, type ProblemCode, type VerifyExit, type VerifyReport } from './report.js';
export { LedgerVerifier, type VerifierOptions } from './verifier.js';
export {
  parseEntry,
  verifyBlock,
  verifyEntry,
  verifyHeader,
  type AuthenticEntry,
  type VerifiedBlock,
} from './verify-block.js';
