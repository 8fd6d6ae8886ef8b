import type { Entry } from '#writ/contracts';
import { Fault, messageOf } from '#writ/faults';
import type { Authority } from '#writ/signing';
import { parseEntry } from '#writ/tlog';
import { openAuthorised } from './open-authorised.js';
import type { BlockLog, LedgerMessage } from './ports.js';

/** An entry with where it stands. Its producer is proved by the block's signature. */
export interface PlacedEntry {
  readonly seq: number;
  readonly i: number;
  readonly entry: Entry;
}

export interface FollowerOptions {
  readonly blocks: Pick<BlockLog, 'read'>;
  readonly authority: () => Authority;
  readonly fromSeq: number;
  readonly pollMs: number;
  /** Blocks that this process wrote itself and has taken in already: they are not handed on. */
  readonly isOwn?: (seq: number) => boolean;
  readonly onEntries: (entries: readonly PlacedEntry[]) => void;
  /** Told of a message that is no authorised block; it is passed over. */
  readonly onRejected: (seq: number, reason: string) => void;
  readonly onLost: (error: unknown) => void;
}

/**
 * Reads the ledger in stream order and hands on every entry of every authorised block, once. The position is its own: the
 * server keeps no consumer for it, so a reader can start anywhere, as often as it likes.
 */
export class LedgerFollower {
  #next: number;
  #isStopped = false;
  #running: Promise<void> | undefined;
  #pass: Promise<void> | undefined;

  constructor(private readonly options: FollowerOptions) {
    this.#next = options.fromSeq;
  }

  /** The sequence that is read next. */
  get position(): number {
    return this.#next;
  }

  /** Reads all there is now. Throws LEDGER_UNAVAILABLE when the ledger cannot be read. */
  async catchUp(): Promise<void> {
    // Two readers of one position would hand an entry on twice: a pass that is under way is waited for, then one more is made,
    // because what the caller waits for may have been stored after that pass began.
    await this.#pass?.catch(() => undefined);
    this.#pass ??= this.#readAll().finally(() => (this.#pass = undefined));
    await this.#pass;
  }

  /** Goes on reading, every `pollMs`, until `stop`. */
  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.catchUp().catch((error: unknown) => this.options.onLost(error));
      await new Promise((resolve) => setTimeout(resolve, this.options.pollMs));
    }
  }

  async #readAll(): Promise<void> {
    for (;;) {
      const { messages, isUpToDate } = await this.options.blocks.read(this.#next).catch((cause: unknown) => {
        throw new Fault('LEDGER_UNAVAILABLE', 'the ledger cannot be read', { cause });
      });
      for (const message of messages) this.#take(message);
      if (isUpToDate) return;
    }
  }

  #take(message: LedgerMessage): void {
    if (message.seq < this.#next) return;
    this.#next = message.seq + 1;
    if (this.options.isOwn?.(message.seq) === true) return;
    try {
      const { entries: authentic } = openAuthorised(message, this.options.authority());
      const entries = authentic.map((entry, i) => ({ seq: message.seq, i, entry: parseEntry(entry) }));
      this.options.onEntries(entries);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.options.onRejected(message.seq, messageOf(error));
    }
  }
}
