export { type Appended, BlockWriter, type BlockWriterOptions } from './block-writer.js';
export { DecisionReader } from './decision-reader.js';
export { LedgerFollower, type PlacedEntry } from './follower.js';
export { openAuthorised } from './open-authorised.js';
export { NatsBlockLog, NatsPayloadLog } from './nats-logs.js';
export { PayloadOpener, PayloadSealer } from './payload-cipher.js';
export { PayloadSequence } from './payload-sequence.js';
export type { BlockLog, LedgerMessage, PayloadLog } from './ports.js';
