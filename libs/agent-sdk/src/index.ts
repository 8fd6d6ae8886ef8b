export { Agent, type AgentOptions, type EgressInit } from './agent.js';
export type { Progress } from '#writ/contracts';
export type { CallOptions, ToolOptions } from './call-options.js';
export type { Catalog } from './catalog.js';
export { connectAgent } from './connect-agent.js';
export {
  Denied,
  Expired,
  Failed,
  Indeterminate,
  InvalidAnswer,
  NotPermitted,
  Refused,
  Unanswered,
  Unavailable,
  WritError,
} from './errors.js';
export type { Memory, MemoryQuery, MemoryRecord } from './memory.js';
export { type AgentProfile, loadProfile } from './profile.js';
export { proxyToken } from './proxy-token.js';
export type { Completed } from './read-answer.js';
