import {
  type Command,
  type EntryRef,
  parse,
  parseStrictJson,
  type Progress,
  ProgressReport,
  REPORT_JSON_LIMITS,
  subjects,
} from '#writ/contracts';
import type { Bus, BusMessage } from '#writ/nats';
import type { Calls } from './calls.js';

/** A call whose agent asked for progress. */
interface Watched extends Place {
  readonly agent: string;
  readonly call: string;
  /** Where the executors of its pool report, and nobody else can. */
  readonly subject: string;
  /** Only who was given the command knows it. */
  readonly salt: string;
  latest?: Progress;
}

type Place = Pick<EntryRef, 'seq' | 'i'>;

/**
 * How far the calls are that this process decided and whose agents want to know. Nothing is sent to an agent: the last report waits until
 * the agent asks for its own call. It is no evidence, so a process that takes a shard over knows nothing of it.
 */
export class CallProgress {
  readonly #watched = new Map<string, Watched>();
  #taken = 0;
  #dropped = 0;

  constructor(private readonly calls: Pick<Calls, 'get'>) {}

  /** Takes the reports of all executors. Every decision service hears all of them, and drops those of others' calls. */
  listen(bus: Pick<Bus, 'subscribe'>): void {
    bus.subscribe('progress.*.*', { onMessage: (message) => this.#take(message) });
  }

  /** Takes reports on a command from here on, if its agent wants them. The decision must be on record. */
  watch({ seq, i, salt, body }: Command): void {
    if (body.progress !== true) return;
    const { agent, call, executor, pool } = body;
    this.#watched.set(keyOf({ seq, i }), { seq, i, agent, call, salt, subject: subjects.progress(executor, pool) });
  }

  /** The last report on a decision; undefined when there is none, or nobody asked for any. */
  of(decision: Place): Progress | undefined {
    return this.#watched.get(keyOf(decision))?.latest;
  }

  /** Forgets the calls that have ended. Those that are left are open, and their number is bounded as that of open calls is. */
  sweep(): void {
    for (const [key, watched] of this.#watched) if (!this.#isRunning(watched)) this.#watched.delete(key);
  }

  get details(): { readonly watched: number; readonly taken: number; readonly dropped: number } {
    return { watched: this.#watched.size, taken: this.#taken, dropped: this.#dropped };
  }

  #take({ subject, data }: Pick<BusMessage, 'subject' | 'data'>): void {
    const report = reportOf(data);
    const watched = report && this.#watched.get(keyOf(report));
    const isGenuine = watched?.subject === subject && watched.salt === report?.salt;
    if (report === undefined || watched === undefined || !isGenuine || !this.#isRunning(watched)) {
      this.#dropped++;
      return;
    }
    watched.latest = report.progress;
    this.#taken++;
  }

  #isRunning({ agent, call, seq, i }: Watched): boolean {
    const state = this.calls.get(agent, call);
    return state?.status === 'open' && state.decision.seq === seq && state.decision.i === i;
  }
}

function keyOf({ seq, i }: Place): string {
  return `${seq}.${i}`;
}

/** Undefined when it is none: an executor that says nonsense keeps no other from being heard. */
function reportOf(data: Uint8Array): ProgressReport | undefined {
  try {
    return parse(ProgressReport, parseStrictJson(data, REPORT_JSON_LIMITS));
  } catch {
    return undefined;
  }
}
