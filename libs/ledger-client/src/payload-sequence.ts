import { Fault } from '#writ/faults';
import { blockOfPayload } from './payload-message.js';
import type { PayloadLog } from './ports.js';

/** A writer waits for the values of a block before it writes the next, so they stand in the order of the blocks. */
const AHEAD_MAX = 64;

/** The payload messages of one producer, read once and in order beside its blocks. */
export class PayloadSequence {
  readonly #messages: AsyncIterator<Uint8Array>;
  /** Read and not asked for yet, in order. */
  readonly #ahead = new Map<string, Uint8Array>();
  #isOver = false;

  constructor(log: PayloadLog, producer: string, sinceMs: number) {
    this.#messages = log.since(producer, sinceMs)[Symbol.asyncIterator]();
  }

  /** The message with the values of that block; undefined when it is no longer stored. Ask in the order of the blocks. */
  async of(block: string): Promise<Uint8Array | undefined> {
    while (!this.#ahead.has(block) && !this.#isOver && this.#ahead.size < AHEAD_MAX) {
      const next = await this.#messages.next();
      if (next.done === true) this.#isOver = true;
      else this.#keep(next.value);
    }
    const found = this.#ahead.get(block);
    if (found === undefined) return undefined;
    // What stands before it belongs to blocks that were never stored.
    for (const passed of this.#ahead.keys()) {
      this.#ahead.delete(passed);
      if (passed === block) break;
    }
    return found;
  }

  /** A message that is none has no block to belong to: the values of the block that it was for are gone. */
  #keep(message: Uint8Array): void {
    try {
      this.#ahead.set(blockOfPayload(message), message);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }
}
