import { z } from 'zod';
import { ledgerFrozen, PreviousLedger } from './closing-entries.js';
import { secretChanged, secretRotated, secretsRekeyed } from './credential-entries.js';
import { exportGap, exportReplayed, sinkChanged } from './export-entries.js';
import { logKeyRotated, producerEnrolled, producerRevoked } from './key-entries.js';
import { AgentName, CallId, LabelName, ProducerName } from './names.js';
import { Redaction } from './obligation.js';
import { ledgerPruned, producerCarried } from './pruning-entries.js';
import { callCost, toolDefinitionChanged } from './tool-entries.js';

/** An entry of the ledger: one leaf of the log. No argument, result or credential is ever in one, only salted commitments. */
export const Commitment = z.string().regex(/^sd:[A-Za-z0-9_-]{43}$/);
/** An RFC 6962 root in base64url. */
const Root = z.string().length(43);
const Hash = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** Of a data key of the vault: the hash of its name, which is random in part. */
export const DataKeyId = z.string().regex(/^[A-Za-z0-9_-]{22}$/);
const Millis = z.int().min(0);
const Short = z.string().max(256);

const PolicyPlace = z.strictObject({
  id: Short,
  effect: z.enum(['permit', 'forbid']),
  file: Short,
  line: z.int().min(1),
  col: z.int().min(1),
});
/** A permit that nearly matched: where it stands and the clause, or the scope part, that failed. Values are never in here. */
const NearMiss = z.strictObject({
  id: Short,
  file: Short,
  line: z.int().min(1),
  col: z.int().min(1),
  failed: z.string().max(512),
});

const base = {
  v: z.literal(1),
  id: z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/),
  ts: z.iso.datetime(),
  ledger: Short,
  ten: AgentName,
  prod: z.strictObject({ id: ProducerName, boot: z.string().length(22), s: z.int().min(1) }),
};
const who = z.strictObject({ agent: AgentName });
const corr = z.strictObject({ call: CallId, sess: CallId.optional(), trace: z.string().max(64).optional() });
const act = z.strictObject({ kind: Short, res: z.string().max(512), dig: Hash.optional() });

const decided = {
  ...base,
  who,
  act,
  corr,
  eff: z.strictObject({ d: z.enum(['allow', 'deny']), phase: z.literal('decided') }),
  why: z.strictObject({
    code: Short,
    bundle: Hash,
    pol: z.array(PolicyPlace).max(64),
    err: z
      .array(z.strictObject({ id: Short, message: z.string().max(256) }))
      .max(16)
      .optional(),
    /** Only in ledgers of earlier releases, which must still verify: now the near misses are in a `decision.explained`. */
    near: z.array(NearMiss).max(3).optional(),
    /** Policies in `log_only` mode that would have fired. */
    log: z.array(PolicyPlace).max(16).optional(),
    /** What would have made the denial an allow: the forbid that says so, and the kind. */
    rem: z
      .array(z.strictObject({ policy: Short, kind: Short }))
      .max(16)
      .optional(),
  }),
  obl: z.array(Short).max(64).optional(),
  red: z.array(Redaction).max(256).optional(),
  io: z.strictObject({ in: Commitment, in_len: z.int().min(0) }),
  /** On an allow alone: the salted hash of the approved command, how it is delivered, and its deadlines (Unix ms). */
  cmd: Commitment.optional(),
  run: z
    .strictObject({ delivery: z.enum(['once', 'retry']), pool: Short, take_by: Millis, finish_by: Millis })
    .optional(),
};

const completed = {
  ...base,
  who,
  act,
  corr,
  eff: z.strictObject({ d: z.enum(['ok', 'error']), phase: z.literal('executed') }),
  why: z.strictObject({ code: Short }),
  red: z.array(Redaction).max(256).optional(),
  /** Labels that policy put on the result. */
  lab: z.array(LabelName).max(256).optional(),
  /** `cut`: the service had more to say than was given to the agent. */
  io: z.strictObject({ out: Commitment, out_len: z.int().min(0), cut: z.literal(true).optional() }),
  cost: callCost,
  /** The decision that this is the outcome of: stream sequence of its block, and index in it. */
  dec: z.strictObject({ seq: z.int().min(1), i: z.int().min(0) }),
};

const ended = { ...base, who, act, corr, dec: z.strictObject({ seq: z.int().min(1), i: z.int().min(0) }) };

/** What an enforcement point outside of Writ asked, in its own words, and the name that it gave the request. */
const access = {
  ...base,
  client: Short,
  req: z.strictObject({
    sub: z.strictObject({ type: Short, id: Short }),
    act: Short,
    res: z.strictObject({ type: Short, id: z.string().max(512) }),
    /** Writ's own name for the evaluation, and the `X-Request-ID` of the caller. */
    eval: CallId,
    xid: z.string().max(128).optional(),
  }),
};

/** What one evaluator says to a request: decision, deciding policies and policies that errored, in no order. */
const verdict = z.strictObject({
  d: z.enum(['allow', 'deny']),
  pol: z.array(Short).max(64),
  err: z.array(Short).max(64),
});

const type = <T extends string>(value: T) => z.literal(value);

export const Entry = z.discriminatedUnion('type', [
  z.strictObject({ type: type('tool.call.decided'), ...decided }),
  z.strictObject({ type: type('memory.query.decided'), ...decided }),
  z.strictObject({ type: type('memory.write.decided'), ...decided }),
  z.strictObject({ type: type('memory.delete.decided'), ...decided }),
  z.strictObject({ type: type('egress.fetch.decided'), ...decided }),
  z.strictObject({ type: type('egress.connect.decided'), ...decided }),
  z.strictObject({ type: type('tool.call.completed'), ...completed }),
  z.strictObject({ type: type('memory.query.completed'), ...completed }),
  z.strictObject({ type: type('memory.write.completed'), ...completed }),
  z.strictObject({ type: type('memory.delete.completed'), ...completed }),
  z.strictObject({ type: type('egress.fetch.completed'), ...completed }),
  z.strictObject({ type: type('egress.connect.completed'), ...completed }),
  z.strictObject({ type: type('call.expired'), ...ended }),
  z.strictObject({ type: type('call.indeterminate'), ...ended }),
  /** One entry per sender, code and minute; `n` counts the refusals that it stands for. */
  z.strictObject({
    type: type('request.refused'),
    ...base,
    who,
    act: z.strictObject({ kind: Short }),
    why: z.strictObject({ code: Short }),
    n: z.int().min(1),
    io: z.strictObject({ in: Commitment, in_len: z.int().min(0) }).optional(),
  }),
  z.strictObject({
    type: type('command.refused'),
    ...base,
    why: z.strictObject({ code: Short }),
    dec: z.strictObject({ seq: z.int().min(0), i: z.int().min(0) }),
    msg: Hash,
  }),
  z.strictObject({ type: type('shard.claimed'), ...base, shard: z.int().min(0), inst: Short, after: z.int().min(0) }),
  z.strictObject({
    type: type('policy.changed'),
    ...base,
    /** `old` is what this producer decided by before; null when it decided nothing yet. */
    bundle: z.strictObject({ old: Hash.nullable(), new: Hash }),
    policies: z.int().min(0),
    /** The manifest that is activated, without its hash, which is `bundle.new`, and its ledger, which is this one. */
    man: z.strictObject({
      ver: z.int().min(1),
      author: z.string().max(128),
      at: z.iso.datetime(),
      /** Of a forced downgrade: the version that it replaces. */
      over: z.int().min(1).optional(),
      key: z.string().length(22),
      sig: z.string().length(86),
    }),
    /** Ids of policies, against the bundle before; absent when that one is not at hand. `n` counts all, the lists hold the first. */
    diff: z
      .strictObject({
        added: z.array(Short).max(32),
        removed: z.array(Short).max(32),
        changed: z.array(Short).max(32),
        n: z.int().min(0),
      })
      .optional(),
  }),
  z.strictObject({
    type: type('policy.rejected'),
    ...base,
    why: z.strictObject({ code: Short }),
    kept: Hash,
    at: Short,
  }),
  /**
   * Which permits came nearest to a default deny, found after the answer. `of` is the decision, or the answer to another enforcement
   * point, in the same producer's chain: sequence of its block, and index in it. Elsewhere it explains nothing.
   */
  z.strictObject({
    type: type('decision.explained'),
    ...base,
    who,
    corr,
    of: z.strictObject({ seq: z.int().min(1), i: z.int().min(0) }),
    near: z.array(NearMiss).min(1).max(3),
  }),
  /** Writ's evaluator and Cedar differ on one decision, which was made by Writ's. */
  z.strictObject({ type: type('policy.divergence'), ...base, who, corr, bundle: Hash, writ: verdict, cedar: verdict }),
  /** An answer to an enforcement point outside of Writ. It authorises nothing here. */
  z.strictObject({
    type: type('access.evaluated'),
    ...access,
    who,
    act,
    eff: z.strictObject({ d: z.enum(['allow', 'deny']), phase: z.literal('evaluated') }),
    why: decided.why,
    obl: decided.obl,
    io: decided.io,
  }),
  /**
   * Questions of an enforcement point that were answered with no, because they could not be evaluated: one entry per client, code
   * and minute. `n` counts them, `req` is the first of them; without `n` it is the only one.
   */
  z.strictObject({
    type: type('access.refused'),
    ...access,
    why: z.strictObject({ code: Short }),
    n: z.int().min(1).optional(),
  }),
  z.strictObject({
    type: type('credential.used'),
    ...base,
    who,
    corr,
    cred: Short,
    origin: Short,
    echoed: z.boolean(),
  }),
  z.strictObject({ type: type('credential.set'), ...base, ...secretChanged }),
  z.strictObject({ type: type('credential.rotated'), ...base, ...secretRotated }),
  z.strictObject({ type: type('credential.removed'), ...base, ...secretChanged }),
  z.strictObject({ type: type('credential.rekeyed'), ...base, ...secretsRekeyed }),
  z.strictObject({ type: type('tool.definition.changed'), ...base, ...toolDefinitionChanged }),
  z.strictObject({ type: type('agent.identity.issued'), ...base, who, key: Short }),
  z.strictObject({ type: type('agent.identity.revoked'), ...base, who, key: Short }),
  z.strictObject({ type: type('producer.enrolled'), ...base, ...producerEnrolled }),
  z.strictObject({ type: type('producer.revoked'), ...base, ...producerRevoked }),
  z.strictObject({ type: type('ledger.key.rotated'), ...base, ...logKeyRotated }),
  /**
   * Data keys were destroyed, and with them values and salts: what the entry names cannot be opened by anybody any more. It is written
   * before they are destroyed. No subject is named, also not by a pseudonym.
   */
  z.strictObject({
    type: type('privacy.erased'),
    ...base,
    by: z.string().min(1).max(128),
    /** The legal basis, or the ticket that has it. */
    basis: z.string().min(1).max(256),
    /** Ids of the data keys. */
    keys: z.array(DataKeyId).min(1).max(256),
    /** How many commitments cannot be opened any more. */
    n: z.int().min(0),
  }),
  z.strictObject({ type: type('ledger.near_full'), ...base, used: z.int().min(0), max: z.int().min(1) }),
  /** The sealer began: the tree that it goes on from. Size 0 at the first start of a log, and then the ledger before, if there is one. */
  z.strictObject({
    type: type('ledger.opened'),
    ...base,
    size: z.int().min(0),
    root: Root,
    prev: PreviousLedger.optional(),
  }),
  z.strictObject({ type: type('ledger.frozen'), ...base, ...ledgerFrozen }),
  /** The last signed head, said once a minute while nothing else is: silence of the log is noticed, and its time is bracketed. */
  z.strictObject({ type: type('ledger.tick'), ...base, size: z.int().min(0), root: Root }),
  /** The sealer saw something that must not be. `seq` is the message of the ledger, `prod` of the entry is the sealer itself. */
  z.strictObject({
    type: type('ledger.integrity.violation'),
    ...base,
    why: z.strictObject({ code: Short, text: z.string().max(512) }),
    seq: z.int().min(0).optional(),
    by: Short.optional(),
  }),
  z.strictObject({ type: type('ledger.pruned'), ...base, ...ledgerPruned }),
  z.strictObject({ type: type('producer.carried'), ...base, ...producerCarried }),
  z.strictObject({ type: type('export.gap'), ...base, ...exportGap }),
  z.strictObject({ type: type('export.replayed'), ...base, ...exportReplayed }),
  z.strictObject({ type: type('admin.sink.changed'), ...base, ...sinkChanged }),
]);
export type Entry = z.infer<typeof Entry>;
export type EntryType = Entry['type'];
export const ENTRY_TYPES: readonly EntryType[] = Entry.options.map((option) => option.shape.type.value);

type Body<E> = E extends Entry ? Omit<E, 'v' | 'id' | 'ts' | 'ledger' | 'ten' | 'prod'> : never;
/** What a service writes: the block writer adds version, id, time, ledger, tenant and producer. */
export type EntryBody = Body<Entry>;
export type EntryOf<T extends EntryType> = Extract<Entry, { type: T }>;
export type DecidedEntry = Extract<Entry, { type: `${string}.decided` }>;
export type CompletedEntry = Extract<Entry, { type: `${string}.completed` }>;

/** Where an entry stands: stream sequence of its block, and its index in the block. */
export interface EntryRef {
  readonly seq: number;
  readonly i: number;
  readonly id: string;
}
