import { Entry, isEntry } from '#writ/contracts';
import type { Authority } from '#writ/signing';
import { CallHistory, type HistoryProblem } from './call-history.js';
import { type EpochProblem, PolicyEpochs } from './policy-epochs.js';
import type { ProblemList, ProblemPlace } from './report.js';
import type { AuthenticEntry } from './verify-block.js';

/** Where an entry stands. */
export interface EntryPlace extends ProblemPlace {
  readonly seq: number;
  readonly index: number;
  readonly producer: string;
}

/**
 * What the entries of a ledger say together, in stream order: their schema, their numbers within a boot, their ids, that outcomes
 * have decisions and decisions have policies in force. It holds something per call and per id, never the entries.
 */
export class EntryChecks {
  readonly #history: CallHistory;
  readonly #epochs: PolicyEpochs;
  readonly #ids = new Set<string>();
  /** Boot and last `prod.s` of each producer. */
  readonly #counts = new Map<string, { readonly boot: string; readonly s: number }>();

  /** Producers whose first entries are not there. */
  readonly #behindRemoved = new Set<string>();

  constructor(
    authority: Authority,
    private readonly problems: ProblemList,
  ) {
    this.#epochs = new PolicyEpochs(authority);
    // Calls that were decided in the ledger before may end in this one.
    this.#history = new CallHistory(authority.begins);
  }

  /** Allowed calls that have not ended. */
  get openCalls(): number {
    return this.#history.open;
  }

  /** Something of the producer is missing or was refused: which policies it had in force is not known. */
  lose(producer: string): void {
    this.#epochs.lose(producer);
  }

  /** What the producer wrote before message `seq`, with which the ledger begins or goes on, was removed: nothing is said of it. */
  beginAt(seq: number, producer: string): void {
    this.#history.beginAt(seq);
    this.#behindRemoved.add(producer);
    this.lose(producer);
  }

  /** Takes an entry whose author is proved, and adds what is wrong with it to the problems. */
  take(raw: AuthenticEntry, place: EntryPlace): void {
    const entry = this.#typed(raw, place);
    if (entry === undefined) return;
    this.#checkNumber(entry, place);
    this.#checkId(entry.id, place);
    this.#add(this.#history.take(entry, place.seq, place.index), entry, place);
    this.#add(this.#epochs.take(entry), entry, place);
  }

  #typed(raw: AuthenticEntry, place: EntryPlace): Entry | undefined {
    if (isEntry(raw)) return raw;
    const { data, error } = Entry.safeParse(raw);
    if (error === undefined) return data;
    const path = error.issues[0]?.path.map(String).join('.') ?? '';
    const sentence = `entry ${place.index} does not follow the schema of \`${raw.type}\` at \`${path}\``;
    this.problems.add('schema', sentence, place);
    return undefined;
  }

  #checkId(id: string, place: EntryPlace): void {
    const before = this.#ids.size;
    this.#ids.add(id);
    if (this.#ids.size === before)
      this.problems.add('duplicate_id', `the entry id \`${id}\` stands twice`, { ...place, id });
  }

  #add(problem: HistoryProblem | EpochProblem | undefined, { id }: Entry, place: EntryPlace): void {
    if (problem !== undefined) this.problems.add(problem.code, problem.message, { ...place, id });
  }

  #checkNumber({ id, prod: { boot, s } }: Entry, place: EntryPlace): void {
    const before = this.#counts.get(place.producer);
    const expected = before?.boot === boot ? before.s + 1 : 1;
    const isFirst = before === undefined && this.#behindRemoved.delete(place.producer);
    if (s !== expected && !isFirst) {
      const sentence = `entry ${place.index} has number ${s} of its boot; ${expected} was expected`;
      this.problems.add('entry_gap', sentence, { ...place, id });
    }
    this.#counts.set(place.producer, { boot, s });
  }
}
