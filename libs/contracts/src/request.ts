import { z } from 'zod';
import type { Json, JsonObject } from './canonical.js';
import { CallId, LabelName, ResourceName } from './names.js';
import { Redaction, Remedy } from './obligation.js';
import { parse } from './parse.js';
import { isSmallPredicate, Predicate } from './predicate.js';
import { Progress } from './progress.js';
import type { RequestKind } from './subjects.js';

export const JsonValue: z.ZodType<Json> = z.json() as unknown as z.ZodType<Json>;
export const JsonRecord: z.ZodType<JsonObject> = z.record(z.string(), JsonValue);

const Text = z.string().min(1).max(32_768);
const RecordId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/);
const RecordIds = z.array(RecordId).min(1).max(100);
const Vector = z.array(z.number()).min(1).max(4096);
/** The agent's own filter. It stands beside that of the policies and can only take records away. */
const Where = Predicate.refine(isSmallPredicate, 'has more than 100 parts or 8 levels');
/** How many records are found when nothing else is said. */
const K_DEFAULT = 10;

/** By what records are compared: the meaning of their text as its vector has it, the words in it, or both, fused. */
const Search = z.enum(['vector', 'text', 'hybrid']);
export type Search = z.infer<typeof Search>;

/** What a query looks for. */
interface Sought {
  readonly text?: string | undefined;
  readonly vector?: readonly number[] | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly search?: Search | undefined;
}

/** What is said to a query that is none, or several in one. */
export const QUERY_MESSAGE =
  'give text, a vector or ids; a search by `vector` takes text or a vector, by `text` text, a `hybrid` one text and perhaps a vector';

/** The search that a query without ids asks for: where it does not say, text and a vector together are a hybrid one. */
export function searchOf({ text, vector, search }: Omit<Sought, 'ids'>): Search {
  return search ?? (text !== undefined && vector !== undefined ? 'hybrid' : 'vector');
}

/** Whether a query says what it looks for, and in one way. */
export function isOneQuery(query: Sought): boolean {
  const [hasText, hasVector] = [query.text !== undefined, query.vector !== undefined];
  if (query.ids !== undefined) return !hasText && !hasVector && query.search === undefined;
  switch (searchOf(query)) {
    case 'vector':
      return hasText !== hasVector;
    case 'text':
      return hasText && !hasVector;
    case 'hybrid':
      return hasText;
  }
}

/** Members of every request. `call` is chosen by the agent and unique per agent; `session` and `trace` are correlation only. */
const common = {
  v: z.literal(1),
  call: CallId,
  session: CallId.optional(),
  trace: z
    .string()
    .regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
    .optional(),
};

export const ToolCallRequest = z.strictObject({
  ...common,
  tool: ResourceName,
  args: JsonRecord,
  /** While the call runs, `call.result` says how far it is, if its tool says so. */
  progress: z.literal(true).optional(),
});
export const MemoryQueryRequest = z
  .strictObject({
    ...common,
    namespace: ResourceName,
    text: Text.optional(),
    vector: Vector.optional(),
    /** The records of these ids instead of the most alike. */
    ids: RecordIds.optional(),
    search: Search.optional(),
    k: z.int().min(1).max(100).optional(),
    where: Where.optional(),
  })
  .refine(isOneQuery, QUERY_MESSAGE);
export const MemoryRecordInput = z.strictObject({
  id: RecordId.optional(),
  text: Text,
  labels: z.array(LabelName).max(32).default([]),
  data: JsonRecord.optional(),
  /** Where the text comes from, in the agent's words. */
  source: z.string().min(1).max(512).optional(),
});
export const MemoryWriteRequest = z.strictObject({
  ...common,
  namespace: ResourceName,
  records: z.array(MemoryRecordInput).min(1).max(100),
});
export const MemoryDeleteRequest = z.strictObject({
  ...common,
  namespace: ResourceName,
  ids: RecordIds,
  where: Where.optional(),
});
export const EgressFetchRequest = z.strictObject({
  ...common,
  url: z.string().min(1).max(2048),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  headers: z.record(z.string().max(128), z.string().max(4096)).default({}),
  body: z.string().max(49_152).optional(),
});
/** Asks for a tunnel to the host and port of a declared destination. The egress proxy carries it for its client, and nobody else can. */
export const EgressConnectRequest = z.strictObject({
  ...common,
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535),
});
/** Asks for the stored answer, or the progress, of an earlier call of the same agent. */
export const CallResultRequest = z.strictObject({ v: z.literal(1), call: CallId });

export type ToolCallRequest = Readonly<z.infer<typeof ToolCallRequest>>;
export type MemoryQueryRequest = Readonly<z.infer<typeof MemoryQueryRequest>>;
export type MemoryWriteRequest = Readonly<z.infer<typeof MemoryWriteRequest>>;
export type MemoryDeleteRequest = Readonly<z.infer<typeof MemoryDeleteRequest>>;
export type EgressFetchRequest = Readonly<z.infer<typeof EgressFetchRequest>>;
export type EgressConnectRequest = Readonly<z.infer<typeof EgressConnectRequest>>;
export type CallResultRequest = Readonly<z.infer<typeof CallResultRequest>>;

/** A request after parsing, with the kind read from the subject. */
export type ActionRequest =
  | ({ readonly kind: 'tool.call' } & ToolCallRequest)
  | ({ readonly kind: 'memory.query'; readonly k: number } & MemoryQueryRequest)
  | ({ readonly kind: 'memory.write' } & MemoryWriteRequest)
  | ({ readonly kind: 'memory.delete' } & MemoryDeleteRequest)
  | ({ readonly kind: 'egress.fetch' } & EgressFetchRequest)
  | ({ readonly kind: 'egress.connect' } & EgressConnectRequest);

/** An attacker-controlled body as the request of that kind, with what was left out filled in. Throws INPUT_INVALID. */
export function parseActionRequest(kind: RequestKind, body: unknown): ActionRequest {
  switch (kind) {
    case 'tool.call':
      return { ...parse(ToolCallRequest, body), kind };
    case 'memory.query': {
      const query = parse(MemoryQueryRequest, body);
      return { ...query, k: query.k ?? query.ids?.length ?? K_DEFAULT, kind };
    }
    case 'memory.write':
      return { ...parse(MemoryWriteRequest, body), kind };
    case 'memory.delete':
      return { ...parse(MemoryDeleteRequest, body), kind };
    case 'egress.fetch':
      return { ...parse(EgressFetchRequest, body), kind };
    case 'egress.connect':
      return { ...parse(EgressConnectRequest, body), kind };
  }
}

/** A remedy as the agent sees it: who may approve is not its business. */
export const AgentRemedy = Remedy.omit({ approvers: true });
export type AgentRemedy = Readonly<z.infer<typeof AgentRemedy>>;

/**
 * What an agent is told. `completed`: it ran, here is the output. `failed`: it ran and failed. `denied`: policy said no; code in
 * lower case. `refused`: not decided at all; a fault code. `pending`: ask again with `call.result`. `expired`: it never ran.
 * `indeterminate`: nobody can say whether it ran.
 */
export const Answer = z.discriminatedUnion('status', [
  z.strictObject({
    v: z.literal(1),
    call: CallId,
    status: z.literal('completed'),
    output: JsonValue,
    redactions: z.array(Redaction).optional(),
    labels: z.array(LabelName).optional(),
    entry: z.string(),
  }),
  z.strictObject({
    v: z.literal(1),
    call: CallId,
    status: z.literal('failed'),
    code: z.string(),
    message: z.string(),
    labels: z.array(LabelName).optional(),
    entry: z.string(),
  }),
  z.strictObject({
    v: z.literal(1),
    call: CallId,
    status: z.literal('denied'),
    code: z.string(),
    reason: z.string().optional(),
    /** What would make it an allow; absent when nothing would. */
    remedies: z.array(AgentRemedy).optional(),
    entry: z.string(),
  }),
  z.strictObject({
    v: z.literal(1),
    call: CallId.optional(),
    status: z.literal('refused'),
    code: z.string(),
    message: z.string(),
    /** When the same request may be let through, if that is known. */
    retryAfterMs: z.int().min(1).optional(),
    entry: z.string().optional(),
  }),
  z.strictObject({
    v: z.literal(1),
    call: CallId,
    status: z.literal('pending'),
    /** The last that was heard, of a call that was asked for with `progress`. */
    progress: Progress.optional(),
    entry: z.string().optional(),
  }),
  z.strictObject({
    v: z.literal(1),
    call: CallId,
    status: z.enum(['expired', 'indeterminate']),
    entry: z.string().optional(),
  }),
]);
export type Answer = Readonly<z.infer<typeof Answer>>;
