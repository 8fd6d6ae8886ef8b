/**
 * Every subject and stream of Writ. Agents' subjects carry no tenant; the account mapping adds it, so that no agent can
 * choose it. See `docs/protocol.md`.
 */
export const LEDGER_STREAM = 'LEDGER';
export const COMMANDS_STREAM = 'COMMANDS';
export const PAYLOADS_STREAM = 'PAYLOADS';
export const PAYLOAD_KEYS_STREAM = 'PAYLOAD_KEYS';

/** JetStream API prefix through which the GW account reads LEDGER and the payload streams. */
export const LEDGER_API_PREFIX = 'LEDGER.API';

export const TENANT = 'default';

export const REQUEST_KINDS = [
  'tool.call',
  'memory.query',
  'memory.write',
  'memory.delete',
  'egress.fetch',
  'egress.connect',
] as const;
/** What an agent may ask to be done; also the first part of the entry types. */
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** Whether an attacker-controlled word is something that an agent may ask to be done. */
export function isRequestKind(word: string): word is RequestKind {
  const kinds: readonly string[] = REQUEST_KINDS;
  return kinds.includes(word);
}

/** `tunnel`: the egress proxy, which carries the bytes of a tunnel itself. */
export const EXECUTOR_KINDS = ['tool', 'memory', 'egress', 'tunnel'] as const;
export type ExecutorKind = (typeof EXECUTOR_KINDS)[number];
export type Delivery = 'once' | 'retry';

export const subjects = {
  request: (agent: string, operation: string) => `req.${agent}.${operation}`,
  /** What a shard's owner subscribes to: `decide.<shard>.<tenant>.<agent>.<operation…>`. */
  decide: (shard: number) => `decide.${shard}.>`,
  ledgerBlock: (producer: string) => `ledger.block.${producer}`,
  payload: (producer: string) => `payload.${producer}`,
  /** `holder` is the pseudonym of a data subject, or an agent. */
  payloadKey: (tenant: string, holder: string, day: string, producer: string) =>
    `payloadkey.${tenant}.${holder}.${day}.${producer}`,
  command: (kind: ExecutorKind, delivery: Delivery, pool: string) => `cmd.${kind}.${delivery}.${pool}`,
  commandConsumer: (kind: ExecutorKind, delivery: Delivery, pool: string) => `${kind}-${delivery}-${pool}`,
  /** The owner of a shard says so here, several times a second. */
  shardLease: (shard: number) => `lease.pdp.${shard}`,
  /** An executor says here that it is alive and what it serves. */
  poolHeartbeat: (kind: ExecutorKind, pool: string) => `pool.${kind}.${pool}`,
  /** An executor says here how far a command of its pool is. It is not kept anywhere, and is on no record. */
  progress: (kind: ExecutorKind, pool: string) => `progress.${kind}.${pool}`,
  inboxPrefix: (user: string) => `_INBOX_${user}`,
  agentInboxPrefix: (agent: string) => `_INBOX.${agent}`,
} as const;

/** Who executes requests of that kind. */
export function executorOf(kind: RequestKind): ExecutorKind {
  return kind === 'egress.connect' ? 'tunnel' : (kind.slice(0, kind.indexOf('.')) as ExecutorKind);
}

export interface DecideAddress {
  readonly shard: number;
  readonly tenant: string;
  readonly agent: string;
  readonly operation: string;
}

/** Reads the address that the broker authorised. Undefined when the subject is not a decide subject. */
export function parseDecideSubject(subject: string): DecideAddress | undefined {
  const [head, shard, tenant, agent, ...operation] = subject.split('.');
  if (head !== 'decide' || tenant === undefined || agent === undefined || operation.length === 0) return undefined;
  return { shard: Number(shard), tenant, agent, operation: operation.join('.') };
}

/** A reply route made by the GW account's service export. Anything else in a reply field was chosen by an attacker. */
export function isReplyRoute(reply: string | undefined): reply is string {
  return reply !== undefined && /^_R_\.[A-Za-z0-9]+(\.[A-Za-z0-9]+)*$/.test(reply);
}
