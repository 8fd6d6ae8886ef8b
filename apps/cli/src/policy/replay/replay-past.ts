import type { Rules } from '#writ/authorisation';
import { pastDecisions } from '#writ/operator';
import { Replay } from '#writ/policy-testing';
import type { Cli } from '../../cli.js';
import { printable } from '../../printable.js';
import { openPast } from './open-past.js';

export interface ReplayedPast {
  readonly replay: Replay;
  /** Stream sequence of the last block that was read. */
  readonly lastSeq: number;
  /** What deciding took, without reading and opening the record. */
  readonly decidingMs: number;
}

export interface ReplayPastOptions {
  readonly dataDir: string;
  /** Sequence of the first block whose decisions are made again. */
  readonly fromSeq: number;
  readonly rules: Rules;
  /** Compare with these instead of with what is on record. */
  readonly against?: Rules;
}

const PROGRESS_EVERY = 50_000;

/** Makes the decisions on record again. It reads as the operator; nothing here has a way to an executor. Throws CONFIG_*, LEDGER_*. */
export async function replayPast(options: ReplayPastOptions, cli: Cli): Promise<ReplayedPast> {
  const { fromSeq } = options;
  const replay = new Replay(options.rules, options.against);
  const past = await openPast(options.dataDir, cli);
  let [lastSeq, decidingMs, told] = [0, 0, 0];
  try {
    const onRejected = (seq: number, reason: string): void =>
      cli.note(`warning: message ${seq} is passed over: ${printable(reason)}`);
    for await (const { seq, decisions } of pastDecisions(past.sources, { valuesFromSeq: fromSeq, onRejected })) {
      const startedMs = performance.now();
      for (const { entry, values } of decisions) {
        if (seq < fromSeq) replay.pass(entry);
        else replay.take(entry, values);
      }
      decidingMs += performance.now() - startedMs;
      lastSeq = seq;
      if (replay.replayed - told >= PROGRESS_EVERY) cli.note(`${(told = replay.replayed)} decisions made again`);
    }
    return { replay, lastSeq, decidingMs };
  } finally {
    await past.close();
  }
}
