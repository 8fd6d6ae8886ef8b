import { DailyCounts } from '#writ/authorisation';
import type { CompletedEntry, DecidedEntry, Delivery, Entry, EntryOf, EntryRef } from '#writ/contracts';
import type { PlacedEntry } from '#writ/ledger-client';
import { FILES_AUTHOR } from '#writ/signing';
import { type LimitedDestinations, RateWindows } from './rate-windows.js';

/** What is kept of a decision: enough to answer again, to end the call, and to find its values. */
export interface DecisionRecord extends EntryRef {
  readonly agent: string;
  readonly call: string;
  readonly kind: string;
  readonly resource: string;
  readonly code: string;
  readonly ts: string;
  readonly producer: string;
  readonly delivery: Delivery;
  /** Unix ms, of an allow: when the command must have been taken, and when it must have ended. */
  readonly takeBy: number;
  readonly finishBy: number;
}

/** How a call ended, and where that is on record. */
export interface EndRecord {
  readonly type: 'completed' | 'expired' | 'indeterminate';
  readonly seq: number;
  readonly id: string;
  readonly ts: string;
  readonly producer: string;
}

/** A decision that is being recorded. */
interface Deciding {
  readonly digest: string;
  readonly isAllow: boolean;
  /** What it is about, and when it was made. */
  readonly action: { readonly kind: string; readonly resource: string; readonly nowMs: number };
}

/**
 * What is known of one call. `deciding` alone is not on record yet: this process is at work on it. The digest of the request is
 * known to the process that decided.
 */
export type CallState =
  | ({ readonly status: 'deciding' } & Deciding)
  | { readonly status: 'denied' | 'open'; readonly digest?: string; readonly decision: DecisionRecord }
  | { readonly status: 'ended'; readonly digest?: string; readonly decision: DecisionRecord; readonly end: EndRecord };

/** The policies that a producer activated last. */
export interface PolicyEpoch {
  readonly hash: string;
  readonly version: number;
  /** The highest version that was ever in force: only a higher one is newer. */
  readonly highest: number;
  /** An operator published them, not the files themselves. */
  readonly isPublished: boolean;
  /** When it was put in force, as its entry says. */
  readonly since: string;
}

const isDecided = (entry: Entry): entry is DecidedEntry => entry.type.endsWith('.decided');
const isCompleted = (entry: Entry): entry is CompletedEntry => entry.type.endsWith('.completed');
const isEnded = (entry: Entry): entry is EndedEntry =>
  entry.type === 'call.expired' || entry.type === 'call.indeterminate';
type EndedEntry = Extract<Entry, { type: 'call.expired' | 'call.indeterminate' }>;

/** Calls remembered, per agent and id. Beyond it the oldest are forgotten, and their ids could be used anew. */
const CALLS_REMEMBERED_MAX = 500_000;

/**
 * The state of the decision service: a projection of the ledger, the same in every process that has read the same stream.
 * The owner of a shard writes its own decisions in at once and reads them again later, which changes nothing.
 */
export class Calls {
  readonly #calls = new Map<string, CallState>();
  readonly #open = new Map<string, DecisionRecord>();
  readonly #allowedToday = new DailyCounts();
  /** Allows that are being recorded, by agent: they count already, or calls in flight together would all see the same count. */
  readonly #allowing = new Map<string, number>();
  readonly #revoked = new Set<string>();
  /** By producer: what it decides by. */
  readonly #epochs = new Map<string, PolicyEpoch>();

  readonly #rates: RateWindows;

  constructor(
    private readonly tenant: string,
    destinations: LimitedDestinations = {},
  ) {
    this.#rates = new RateWindows(destinations);
  }

  get(agent: string, call: string): CallState | undefined {
    return this.#calls.get(keyOf(agent, call));
  }

  /** Marks the call as being decided. There is no await between the caller's `get` and this. */
  reserve(agent: string, call: string, decision: Deciding): void {
    this.#calls.set(keyOf(agent, call), { status: 'deciding', ...decision });
    if (!decision.isAllow) return;
    this.#allowing.set(agent, (this.#allowing.get(agent) ?? 0) + 1);
    this.#rates.count({ agent, call, ...decision.action }, decision.action.nowMs);
  }

  /** The decision could not be recorded: the id is free again. */
  release(agent: string, call: string): void {
    const key = keyOf(agent, call);
    const state = this.#calls.get(key);
    if (state?.status !== 'deciding') return;
    this.#calls.delete(key);
    this.#settle(agent, state.isAllow);
    if (state.isAllow) this.#rates.forget({ agent, call, ...state.action });
  }

  /** Calls allowed and not yet known to have ended. */
  open(): Iterable<DecisionRecord> {
    return this.#open.values();
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Calls allowed to the agent on the UTC day of `nowMs`, those being recorded now included. */
  allowedToday(agent: string, nowMs: number): number {
    return this.#allowedToday.of(agent, nowMs) + (this.#allowing.get(agent) ?? 0);
  }

  /** For how many ms the agent has used up the rate limit of a destination, those being recorded now included; undefined: it has not. */
  waitMs(agent: string, destination: string, nowMs: number): number | undefined {
    return this.#rates.waitMs(agent, destination, nowMs);
  }

  /** Whether an entry of the ledger has taken the agent's identity away, and none has given it back since. */
  isRevoked(agent: string): boolean {
    return this.#revoked.has(agent);
  }

  /** What the producer's own chain says that it decides by; undefined before its first activation. */
  epochOf(producer: string): PolicyEpoch | undefined {
    return this.#epochs.get(producer);
  }

  /** Takes in one entry, in stream order. `digest` is known to the process that decided, and to nobody after it. */
  apply({ seq, i, entry }: PlacedEntry, digest?: string): void {
    if (entry.ten !== this.tenant) return;
    if (isDecided(entry)) this.#applyDecided(entry, { seq, i, id: entry.id }, digest);
    else if (isCompleted(entry) || isEnded(entry)) this.#applyEnd(entry, seq);
    else if (entry.type === 'agent.identity.revoked') this.#revoked.add(entry.who.agent);
    else if (entry.type === 'agent.identity.issued') this.#revoked.delete(entry.who.agent);
    else if (entry.type === 'policy.changed') {
      const { ver: version, author } = entry.man;
      const highest = Math.max(version, this.#epochs.get(entry.prod.id)?.highest ?? 0);
      const isPublished = author !== FILES_AUTHOR;
      const hash = entry.bundle.new;
      this.#epochs.set(entry.prod.id, { hash, version, highest, isPublished, since: entry.ts });
    } else if (entry.type === 'producer.carried') this.#carry(entry);
  }

  /** What stood in the removed part of the stream. What the chain of the producer says behind it is newer and stays. */
  #carry({ of, epoch }: EntryOf<'producer.carried'>): void {
    if (epoch === undefined) return;
    const { hash, ver: version, published: isPublished, since } = epoch;
    const known = this.#epochs.get(of);
    const highest = Math.max(epoch.highest, known?.highest ?? 0);
    this.#epochs.set(of, known === undefined ? { hash, version, highest, isPublished, since } : { ...known, highest });
  }

  #applyDecided(decided: DecidedEntry, ref: EntryRef, digest: string | undefined): void {
    const key = keyOf(decided.who.agent, decided.corr.call);
    const known = this.#calls.get(key);
    // The owner took its own decision in when it was recorded; the first decision on an id is the one that counts.
    if (known !== undefined && known.status !== 'deciding') return;
    if (known !== undefined) this.#settle(decided.who.agent, known.isAllow);
    const isAllow = decided.eff.d === 'allow';
    const decision = recordOf(decided, ref);
    this.#remember(key, { status: isAllow ? 'open' : 'denied', decision, ...(digest === undefined ? {} : { digest }) });
    if (!isAllow) return;
    this.#open.set(key, decision);
    this.#allowedToday.count(decided.who.agent, decided.ts);
    this.#rates.count(decision, Date.parse(decided.ts));
  }

  #applyEnd(entry: CompletedEntry | EndedEntry, seq: number): void {
    const key = keyOf(entry.who.agent, entry.corr.call);
    const state = this.#calls.get(key);
    // The first terminal entry in stream order counts, and only one that is about this very decision.
    if (state?.status !== 'open' || state.decision.seq !== entry.dec.seq || state.decision.i !== entry.dec.i) return;
    this.#open.delete(key);
    const type = isCompleted(entry) ? 'completed' : entry.type === 'call.expired' ? 'expired' : 'indeterminate';
    const end = { type, seq, id: entry.id, ts: entry.ts, producer: entry.prod.id } as const;
    this.#calls.set(key, { ...state, status: 'ended', end });
  }

  #remember(key: string, state: CallState): void {
    this.#calls.set(key, state);
    if (this.#calls.size <= CALLS_REMEMBERED_MAX) return;
    const oldest = this.#calls.keys().next().value;
    if (oldest !== undefined && !this.#open.has(oldest)) this.#calls.delete(oldest);
  }

  #settle(agent: string, isAllow: boolean): void {
    if (!isAllow) return;
    const left = (this.#allowing.get(agent) ?? 1) - 1;
    if (left > 0) this.#allowing.set(agent, left);
    else this.#allowing.delete(agent);
  }
}

function recordOf(decided: DecidedEntry, ref: EntryRef): DecisionRecord {
  return {
    seq: ref.seq,
    i: ref.i,
    id: ref.id,
    agent: decided.who.agent,
    call: decided.corr.call,
    kind: decided.act.kind,
    resource: decided.act.res,
    code: decided.why.code,
    ts: decided.ts,
    producer: decided.prod.id,
    delivery: decided.run?.delivery ?? 'once',
    takeBy: decided.run?.take_by ?? 0,
    finishBy: decided.run?.finish_by ?? 0,
  };
}

/** Neither part can hold a blank. */
function keyOf(agent: string, call: string): string {
  return `${agent} ${call}`;
}
