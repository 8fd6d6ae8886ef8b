export { sendOutbound, type OutboundAnswer, type OutboundRequest } from './send-outbound.js';
export { type ResolvedAddress, type Resolver, systemResolver } from './resolve.js';
