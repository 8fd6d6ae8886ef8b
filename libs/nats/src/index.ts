export {
  BusError,
  isBusError,
  type Bus,
  type BusErrorReason,
  type BusHeaders,
  type BusMessage,
  type BusSubscription,
  type PublishOptions,
  type RequestOptions,
  type SubscribeOptions,
} from './bus.js';
export { consumerState, type ConsumerState } from './consumer-state.js';
export { connectBus, type ConnectBusOptions } from './connect-bus.js';
export { eraseMessage } from './erase-message.js';
export { publishToStream, type PublishToStreamOptions, type StreamAck } from './publish-to-stream.js';
export { isStreamError, StreamError, type StreamErrorReason } from './stream-error.js';
export {
  StreamReader,
  type ReadOptions,
  type StreamBatch,
  type StreamInfo,
  type StreamMessage,
} from './stream-reader.js';
export { PullConsumer, type PullConsumerOptions, type PulledMessage } from './pull-consumer.js';
export { trimLedger } from './trim-ledger.js';
export { provisionStreams, type StreamLimits } from './provision-streams.js';
export { startNatsServer, type NatsServer, type StartNatsServerOptions } from './server/start-nats-server.js';
export { checkNatsServerVersion } from './server/version.js';
export { createUserNkey, parseUserNkey, type UserNkey } from './nkey.js';
export { findNatsServer, type FindNatsServerOptions } from './server/find-nats-server.js';
export type { FoundNatsServer } from './server/server-cache.js';
