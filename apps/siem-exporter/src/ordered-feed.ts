import type { PulledMessage } from '#writ/nats';
import type { Feed, FeedMessage } from './ports.js';

export interface OrderedFeedOptions {
  /** Stream sequence of the first message that is not acknowledged yet. */
  readonly next: number;
  /** How many messages the server has delivered and not got acknowledged. */
  readonly unacknowledged: () => Promise<number>;
  readonly ackTimeoutMs: number;
}

interface Held {
  message: PulledMessage;
  readonly release: () => void;
}

const HOLE_LOOK_MS = 500;

/**
 * Puts the messages of a durable consumer in stream order. After a restart the server delivers what is new before what was not
 * acknowledged, so a later message waits here until the earlier one came again, or is known to be gone.
 */
export class OrderedFeed implements Feed {
  readonly #held = new Map<number, Held>();
  #next: number;
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(private readonly options: OrderedFeedOptions) {
    this.#next = options.next;
  }

  /** Takes a message from the consumer; resolves when it is done with. */
  accept(message: PulledMessage): Promise<void> {
    // Nobody would take it any more, and whoever stops the consumer waits for what it delivered.
    if (this.#isOver) return Promise.resolve();
    const held = this.#held.get(message.seq);
    if (held !== undefined) {
      // The server waited too long for the first delivery: only the last one can be acknowledged for certain.
      held.message = message;
      return Promise.resolve();
    }
    if (message.seq < this.#next) {
      // The sink has it, and the acknowledgement was lost.
      message.ack();
      return Promise.resolve();
    }
    return new Promise((release) => {
      this.#held.set(message.seq, { message, release });
      this.#wake();
    });
  }

  /** Says of everything that is held that the work goes on. */
  keepAlive(): void {
    for (const { message } of this.#held.values()) {
      try {
        message.working();
      } catch {
        // Without a connection the server delivers again; the message is held already.
      }
    }
  }

  /** Lets go of everything that is held or still comes: the process ends, and the server will deliver it again. */
  letGo(): void {
    this.#isOver = true;
    for (const { release } of this.#held.values()) release();
    this.#held.clear();
  }

  async take(bytesMax: number, waitMs: number): Promise<readonly FeedMessage[]> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const taken = this.#takeRun(bytesMax);
      const leftMs = deadline - performance.now();
      if (taken.length > 0 || leftMs <= 0) return taken;
      const isHole = this.#held.size > 0;
      await this.#changed(isHole ? Math.min(HOLE_LOOK_MS, leftMs) : leftMs);
      if (isHole) await this.#skipWhatIsGone();
    }
  }

  #takeRun(bytesMax: number): FeedMessage[] {
    const run: FeedMessage[] = [];
    let bytes = 0;
    for (let held = this.#held.get(this.#next); held !== undefined; held = this.#held.get(this.#next)) {
      bytes += held.message.data.length;
      if (run.length > 0 && bytes > bytesMax) break;
      run.push(this.#feedMessage(this.#next, held));
      this.#next += 1;
    }
    return run;
  }

  #feedMessage(seq: number, held: Held): FeedMessage {
    return {
      data: held.message.data,
      sealedMs: held.message.storedMs,
      done: async () => {
        await held.message.ackConfirmed(this.options.ackTimeoutMs).catch(() => undefined);
        this.#held.delete(seq);
        held.release();
      },
    };
  }

  /** Resolves when a message came, or when time is up. */
  #changed(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** A sequence that nobody waits for any more at the server is one that the stream has no longer: what follows it is next. */
  async #skipWhatIsGone(): Promise<void> {
    if (this.#held.size === 0 || this.#held.has(this.#next)) return;
    const unacknowledged = await this.options.unacknowledged().catch(() => Number.POSITIVE_INFINITY);
    if (unacknowledged <= this.#held.size && !this.#held.has(this.#next)) this.#next = Math.min(...this.#held.keys());
  }
}
