export {
  type ClaimedCheckpoint,
  formatAddCheckpoint,
  parseAddCheckpoint,
  REQUEST_BYTES_MAX,
} from './add-checkpoint.js';
export { judge, type Verdict } from './judge.js';
export { checkpointPath, logId, SIZE_MEDIA_TYPE } from './paths.js';
