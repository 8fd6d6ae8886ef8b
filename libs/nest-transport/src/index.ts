export { JetStreamServer } from './jetstream-server.js';
export { RequestServer } from './request-server.js';
export { StreamServer } from './stream-server.js';
