import type { Json } from '#writ/contracts';
import type { ProblemList, ProblemPlace } from '../report.js';
import type { SignedHead } from './heads.js';

/** How far the clocks of producers and witnesses may be apart, in seconds. */
const SKEW_SECONDS = 300;

/**
 * The times between which entries must have been written, as witnesses say: not before the last head that was cosigned before them,
 * and not after the first one that covers them. What no cosigned head brackets is not judged.
 */
export class EntryTimes {
  readonly #cosigned: readonly { readonly size: number; readonly time: number }[];
  #next = 0;

  constructor(
    heads: readonly SignedHead[],
    private readonly problems: ProblemList,
  ) {
    this.#cosigned = heads.flatMap(({ size, cosigners }) =>
      cosigners.length === 0 ? [] : [{ size, time: Math.max(...cosigners.map(({ time }) => time)) }],
    );
  }

  /** Checks the time of the entry that is leaf `index`. Call it in the order of the leaves. */
  check(ts: Json | undefined, index: number, place: ProblemPlace): void {
    if (this.#cosigned.length === 0) return;
    while ((this.#cosigned[this.#next]?.size ?? Infinity) <= index) this.#next++;
    const seconds = typeof ts === 'string' ? Date.parse(ts) / 1000 : NaN;
    const after = this.#cosigned[this.#next - 1]?.time ?? -Infinity;
    const before = this.#cosigned[this.#next]?.time ?? Infinity;
    // An entry without a time that can be read is a problem of its schema.
    if (Number.isNaN(seconds) || (seconds >= after - SKEW_SECONDS && seconds <= before + SKEW_SECONDS)) return;
    const message = `the entry says ${String(ts)}, but witnesses saw the log before and after it at other times`;
    this.problems.add('entry_time', message, place);
  }
}
