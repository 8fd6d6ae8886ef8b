export { type Appended, BlockWriter, type BlockWriterOptions } from './block-writer.js';
export { DecisionReader } from './decision-reader.js';
export { LedgerFollower, openAuthorised, type PlacedEntry } from './follower.js';
export { NatsBlockLog, NatsPayloadLog } from './nats-logs.js';
export { PayloadOpener, PayloadSealer } from './payload-cipher.js';
export { AppendError, type BlockLog, type LedgerMessage, type PayloadLog } from './ports.js';
