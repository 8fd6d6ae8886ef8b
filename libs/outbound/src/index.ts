export { type AnswerCuts, mediaTypeOf, type OutboundAnswer } from './read-answer.js';
export { type OutboundRequest, sendOutbound } from './send-outbound.js';
export type { ResolvedAddress, Resolver } from './resolve.js';
