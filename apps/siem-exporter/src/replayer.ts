import type { ReplayRequest } from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import type { RecordMaker, SiemRecord } from '#writ/siem';
import { Stopped } from './deliver.js';
import { type Ledgers, ofLedger } from './ledgers.js';
import type { Journal, Log, Replays, SinkState } from './ports.js';

export interface ReplayerOptions {
  readonly sink: string;
  readonly maker: RecordMaker;
  readonly replays: Replays;
  readonly journal: Journal;
  readonly log: Log;
  readonly ledgers: () => Ledgers;
  /** Resolves when the sink has the records, which are of that ledger. */
  readonly deliver: (records: readonly SiemRecord[], ledger: string) => Promise<void>;
  readonly now: () => number;
}

/** How far a replay is, for people. */
export interface ReplayStatus {
  readonly at: number;
  readonly to: number;
  readonly problem?: string;
}

type Begun = ReplayRequest & Required<Pick<ReplayRequest, 'progress'>>;

/** Leaves that are read and sent before what was sealed meanwhile gets its turn. */
const LEAVES = 512;

/**
 * Sends entries once more, from the files of the log, with the keys that they had the first time. What is not under the newest signed
 * checkpoint is not sent: whoever can write the files could make the sink believe anything.
 */
export class Replayer {
  #status: ReplayStatus | undefined;

  constructor(private readonly options: ReplayerOptions) {}

  /** What is being sent again; undefined when nothing is. */
  get status(): ReplayStatus | undefined {
    return this.#status;
  }

  /** Sends the next piece; resolves with whether there is another one to send at once. A problem is told, and tried again later. */
  async step(state: SinkState): Promise<boolean> {
    try {
      const asked = await this.options.replays.asked();
      if (asked === undefined) {
        this.#status = undefined;
        return false;
      }
      const { progress: known } = asked;
      const begun = known === undefined ? await this.#begin(asked, state) : { ...asked, progress: known };
      const { progress } = begun;
      this.#status = { at: progress.at, to: progress.to };
      if (progress.at >= progress.to) {
        await this.options.replays.finish();
        return false;
      }
      await this.#send(begun);
      return true;
    } catch (error) {
      if (error instanceof Stopped) throw error;
      this.#tell(messageOf(error));
      return false;
    }
  }

  /** It is on record before it begins. What the sink never had is not for a replay to bring. */
  async #begin({ from, log: asked }: ReplayRequest, state: SinkState): Promise<Begun> {
    const { maker, journal, replays, sink, ledgers } = this.options;
    const log = asked ?? (state.logName || ledgers().now);
    const next = this.#endOf(log, state);
    // The records of a filtered sink are counted from the first entry on, whether they are sent again or not.
    const progress = { to: next, at: maker.isFiltered && from < next ? 0 : from, xseq: 0 };
    const of = ofLedger(log, ledgers());
    if (from < next) await journal({ type: 'export.replayed', sink, ...of, first: from, last: next - 1 });
    // If the process dies here the replay is recorded twice, and sent once.
    await replays.save({ v: 1, from, log, progress });
    return { v: 1, from, log, progress };
  }

  /** Where the sink is in the ledger that it gets now; all of one that has ended. Throws CONFIG_NOT_FOUND for one that never was. */
  #endOf(log: string, { logName, next }: SinkState): number {
    if (log === logName || logName === '') return next;
    const ended = this.options.ledgers().closed.find(({ ledger }) => ledger === log);
    if (ended !== undefined) return ended.size;
    throw new Fault('CONFIG_NOT_FOUND', `there is no ledger \`${log}\` that this sink got anything of`);
  }

  async #send({ from, log, progress }: Begun): Promise<void> {
    const { replays, maker, now, deliver, ledgers } = this.options;
    // A request that an earlier release has begun does not say it: there was one ledger.
    const logName = log ?? ledgers().now;
    const end = Math.min(progress.to, progress.at + LEAVES);
    const records: SiemRecord[] = [];
    let { xseq } = progress;
    for (const [i, text] of (await replays.leaves(logName, progress.at, end)).entries()) {
      const index = progress.at + i;
      const record = maker.record({ text, index, logName, sealedMs: now() }, xseq);
      if (record === undefined) continue;
      xseq += 1;
      if (index >= from) records.push(record);
    }
    await deliver(records, logName);
    // If the process dies here this piece is sent again, with the same sequences.
    await replays.save({ v: 1, from, log: logName, progress: { ...progress, at: end, xseq } });
  }

  #tell(problem: string): void {
    if (this.#status?.problem === problem) return;
    this.#status = { at: this.#status?.at ?? 0, to: this.#status?.to ?? 0, problem };
    this.options.log.error({ detail: problem }, 'entries cannot be sent again');
  }
}
