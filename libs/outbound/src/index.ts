export { dialDecided } from './dial.js';
export { fetchOutbound } from './fetch-outbound.js';
export type { OutboundRequest } from './open-outbound.js';
export { type AnswerCuts, mediaTypeOf, type OutboundAnswer } from './read-answer.js';
export { sendOutbound, type WholeRequest } from './send-outbound.js';
export type { ResolvedAddress, Resolver } from './resolve.js';
export type { OutboundTls } from './tls.js';
