import { z } from 'zod';
import { AgentName, CallId, ResourceName, SubjectPseudonym } from './names.js';
import { Obligations } from './obligation.js';
import { Predicate } from './predicate.js';
import { JsonRecord, JsonValue } from './request.js';
import { EXECUTOR_KINDS, REQUEST_KINDS } from './subjects.js';

/** The part of an approved command that the decision entry commits to (`cmd`). Changing any of it makes another command. */
export const CommandBody = z.strictObject({
  tenant: AgentName,
  agent: AgentName,
  call: CallId,
  kind: z.enum(REQUEST_KINDS),
  executor: z.enum(EXECUTOR_KINDS),
  delivery: z.enum(['once', 'retry']),
  pool: z.string(),
  /** Tool, namespace or destination; `dig` is the digest of its declaration. */
  resource: ResourceName,
  dig: z.string(),
  args: JsonRecord,
  obligations: Obligations,
  filter: Predicate.optional(),
  /** Unix milliseconds. An executor does not take the command after `takeBy` and stops the action at `finishBy`. */
  takeBy: z.int(),
  finishBy: z.int(),
  reply: z.string(),
  session: CallId.optional(),
  trace: z.string().optional(),
  /** Whom the call is about, when its tool or namespace says who that is: the result is erased with that subject. */
  subject: SubjectPseudonym.optional(),
  /** The agent wants to know how far it is. */
  progress: z.literal(true).optional(),
});
export type CommandBody = Readonly<z.infer<typeof CommandBody>>;

/** A command may hold a request's arguments (64 KiB), a filter and obligations; arguments start three levels down. */
export const COMMAND_JSON_LIMITS = { bytesMax: 262_144, depthMax: 40 };

/** An approved command: a pointer into the ledger, the salt of the commitment, and the payload. It carries no signature. */
export const Command = z.strictObject({
  v: z.literal(1),
  seq: z.int().min(1),
  i: z.int().min(0).max(255),
  salt: z.string().length(22),
  body: CommandBody,
});
export type Command = Readonly<z.infer<typeof Command>>;

/** What is said on `lease.pdp.<shard>` and on `pool.<kind>.<pool>`. */
export const ShardLease = z.strictObject({
  v: z.literal(1),
  shard: z.int(),
  instance: z.string(),
  boot: z.string(),
  claim: z.int(),
});
export const PoolHeartbeat = z.strictObject({
  v: z.literal(1),
  instance: z.string(),
  serves: z.array(z.string()).max(10_000),
});
export type ShardLease = Readonly<z.infer<typeof ShardLease>>;
export type PoolHeartbeat = Readonly<z.infer<typeof PoolHeartbeat>>;

/** A value of the payload store: what an entry's commitment opens to. */
export const PayloadValue = z.strictObject({ path: z.string(), salt: z.string().length(22), value: JsonValue });
export type PayloadValue = Readonly<z.infer<typeof PayloadValue>>;
