export type { BlockLine } from './block-line.js';
export { FIRST_PREV, openBlock, sealBlock } from './block.js';
export {
  type Checkpoint,
  isInRange,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  type TreeHead,
} from './checkpoint.js';
export { commit, commitMembers, commitText, newSalt, opensTo } from './commitment.js';
export {
  commitmentsOf,
  type DisclosedEntry,
  type Disclosure,
  openingOf,
  type OpenedEntry,
  verifyDisclosure,
} from './disclosure.js';
export { growLog, type LogPlace } from './grow.js';
export { EMPTY_ROOT, leafHashOfText } from './hash.js';
export { type Integrated, Integrator, IntegratorState } from './integrator.js';
export type { LedgerMessage } from './judge-message.js';
export { type DecisionValues, openDecision } from './open-decision.js';
export { verifyConsistency, verifyInclusion } from './proof.js';
export { type Problem, type VerifyExit, type VerifyReport } from './report.js';
export { readLeaves } from './read-leaves.js';
export { TileTree } from './tile-tree.js';
export { parseEntry, verifyBlock, type VerifiedBlock } from './verify-block.js';
export { CHECKPOINTS_FOLDER, LOG_FILES, type LogDirectory, openTrust } from './log/evidence.js';
export { blockFilesOf, removedFilesOf, tileFilesOf } from './log/log-files.js';
export { endOfMessage } from './log/message-end.js';
export { logMessages } from './log/log-messages.js';
export { formatLogStart, type LogStart, logStartOf, parseLogStart, WHOLE_LOG } from './log/log-start.js';
export { type LaterStart, laterStart } from './log/plan-log-pruning.js';
export { isMessageOf, sealedLines } from './log/sealed-lines.js';
export { proveCall } from './log/prove-call.js';
export { type ProvedEntry, verifyProof } from './log-proof.js';
export { type ChainReport, verifyChain } from './log/verify-chain.js';
export { verifyGrowingLog } from './log/verify-growing-log.js';
export { type LogReport, verifyLog, type VerifyLogOptions } from './log/verify-log.js';
