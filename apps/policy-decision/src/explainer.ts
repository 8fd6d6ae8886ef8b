import { setImmediate as breathe } from 'node:timers/promises';
import type { Ruling } from '#writ/authorisation';
import type { DecidedEntry, Entry, EntryBody, EntryOf, Json, PayloadValue } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import type { Appended } from '#writ/ledger-client';
import { newSalt } from '#writ/tlog';
import { inTime } from './in-time.js';
import type { Shard } from './ports.js';

/** A decision that is on record, and the shard's way to write after it. */
export interface Recorded {
  readonly decision: Pick<Ruling, 'code' | 'near'>;
  readonly recorded: Appended;
  readonly append: Shard['append'];
}

export interface ExplainerLog {
  warn(fields: Record<string, unknown>, message: string): void;
}

/** A decision as its explanation names it. */
interface Subject extends Pick<EntryOf<'decision.explained'>, 'who' | 'corr'> {
  /** Whoever asked: an agent, or another enforcement point, which asks about any agent. */
  readonly asker: string;
  /** The more was asked for, the more memory waits. */
  readonly places: number;
}

interface Waiting extends Recorded {
  readonly subject: Subject;
}

/** With the bytes of a place this is the memory that may wait: 16 MiB of arguments. */
const PLACES_MAX = 512;
const PLACE_BYTES = 32_768;
/** Of one asker: a flood of its denials costs the explanations of nobody else. */
const SHARE_PLACES_MAX = PLACES_MAX / 8;
const TELL_EVERY_MS = 1_000;
const NEAR_MISSES_MAX = 3;
const CLAUSE_CHARACTERS_MAX = 512;

/**
 * Explains default denies after they were answered: whoever is denied can ask again at will, and the search for near misses costs
 * more than the decision. One at a time, each as an entry after its decision in the same chain; what finds no place is dropped and
 * counted, and the denial stands without it.
 */
export class Explainer {
  readonly #waiting: Waiting[] = [];
  /** Places taken, by asker. An explanation keeps its places until it is on record. */
  readonly #taken = new Map<string, number>();
  #takenInAll = 0;
  readonly #counts = { written: 0, dropped: 0, failed: 0 };
  #working: Promise<void> | undefined;
  #isClosed = false;
  #toldMs = -Infinity;

  constructor(
    private readonly log: ExplainerLog,
    private readonly now: () => number,
  ) {}

  /** Takes a decision in when it is a default deny and there is a place for it. Computes nothing now, waits for nothing, never throws. */
  offer(decided: Recorded): void {
    if (decided.decision.code !== 'no_policy_permits') return;
    const subject = subjectOf(decided.recorded.entry);
    if (subject === undefined) return;
    const { asker, places } = subject;
    const taken = this.#taken.get(asker) ?? 0;
    if (this.#isClosed || taken + places > SHARE_PLACES_MAX || this.#takenInAll + places > PLACES_MAX) {
      this.#drop(1);
      return;
    }
    this.#taken.set(asker, taken + places);
    this.#takenInAll += places;
    this.#waiting.push({ ...decided, subject });
    this.#working ??= this.#work();
  }

  /** For the health page, since the start. `failed`: could not be found or recorded, as when the shard went to another owner. */
  get details(): Readonly<Record<string, number>> {
    return { waiting: this.#waiting.length, ...this.#counts };
  }

  /** Takes nothing more in, and waits so long for what is waiting. The rest is dropped. */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    if (this.#working !== undefined) await inTime(this.#working, withinMs, () => undefined);
    const left = this.#waiting.splice(0);
    if (left.length > 0) this.#drop(left.length);
  }

  async #work(): Promise<void> {
    // Each time, what came in meanwhile is served first: to begin with the answer to the decision itself.
    for (await breathe(); this.#waiting.length > 0; await breathe()) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      await this.#explain(next);
      this.#leave(next.subject);
    }
    this.#working = undefined;
  }

  async #explain({ decision, recorded, append, subject }: Waiting): Promise<void> {
    try {
      const near = decision.near.slice(0, NEAR_MISSES_MAX);
      if (near.length === 0) return;
      const { entry, values } = describeExplanation(near, subject, recorded);
      // A crash before this loses the explanation, never the decision.
      await append(entry, values);
      this.#counts.written += 1;
    } catch (error) {
      this.#counts.failed += 1;
      this.#tell({ detail: messageOf(error) });
    }
  }

  #leave({ asker, places }: Subject): void {
    const left = (this.#taken.get(asker) ?? 0) - places;
    if (left > 0) this.#taken.set(asker, left);
    else this.#taken.delete(asker);
    this.#takenInAll -= places;
  }

  #drop(count: number): void {
    this.#counts.dropped += count;
    this.#tell({});
  }

  /** At most once a second, with all that happened so far. */
  #tell(fields: { readonly detail?: string }): void {
    const nowMs = this.now();
    if (nowMs - this.#toldMs < TELL_EVERY_MS) return;
    this.#toldMs = nowMs;
    this.log.warn({ ...fields, ...this.#counts }, 'denials stand without an explanation');
  }
}

/** Undefined for what is no decision. */
function subjectOf(entry: Entry): Subject | undefined {
  if (entry.type === 'access.evaluated') {
    const asker = `client ${entry.client}`;
    return { who: entry.who, corr: { call: entry.req.eval }, asker, places: placesOf(entry) };
  }
  if (!isDecided(entry)) return undefined;
  return { who: entry.who, corr: entry.corr, asker: `agent ${entry.who.agent}`, places: placesOf(entry) };
}

const isDecided = (entry: Entry): entry is DecidedEntry => entry.type.endsWith('.decided');

function placesOf({ io }: { readonly io: { readonly in_len: number } }): number {
  return 1 + Math.floor(io.in_len / PLACE_BYTES);
}

/** Clauses go into the ledger, and what they read is stored with the arguments, because it is values. */
function describeExplanation(
  near: Ruling['near'],
  { who, corr }: Subject,
  { seq, i }: Appended,
): { readonly entry: EntryBody; readonly values: readonly PayloadValue[] } {
  const failed = near.map((miss) => {
    const { id, file, line, col } = miss;
    return { id, file, line, col, failed: miss.failed.slice(0, CLAUSE_CHARACTERS_MAX) };
  });
  const read: Json = near.map(({ id, values }) => ({ id, values }));
  return {
    entry: { type: 'decision.explained', who, corr, of: { seq, i }, near: failed },
    values: [{ path: '/near', salt: newSalt(), value: read }],
  };
}
