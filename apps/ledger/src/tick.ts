import type { Append, Head } from './ports.js';

const TICK_EVERY_MS = 60_000;

/**
 * Says the newest signed head in the ledger itself when nothing else was signed for a minute. Whoever watches the log knows from
 * its silence that something is wrong, and between which two ticks an entry was made.
 */
export class Tick {
  #size = -1;
  #sinceMs: number;

  constructor(
    private readonly append: Append,
    /** In milliseconds, of a clock that nobody sets: a clock that was put back would make an hour of a minute. */
    private readonly elapsed: () => number,
  ) {
    this.#sinceMs = elapsed();
  }

  /** Call it again and again with the newest head. Rejects when the entry could not be written: the next call tries again. */
  async afterBatch(head: Head | undefined): Promise<void> {
    if (head === undefined) return;
    const nowMs = this.elapsed();
    if (head.size !== this.#size) {
      this.#size = head.size;
      this.#sinceMs = nowMs;
      return;
    }
    if (nowMs - this.#sinceMs < TICK_EVERY_MS) return;
    this.#sinceMs = nowMs;
    await this.append({ type: 'ledger.tick', size: head.size, root: head.root });
  }
}
