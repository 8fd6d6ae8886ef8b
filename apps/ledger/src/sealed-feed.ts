import { SEALED_ENTRIES_MAX, type SealedMessage } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import type { Head } from './ports.js';

/** The last message of SEALED: where the next one goes on. */
export interface FeedEnd {
  readonly seq: number;
  /** Index of the leaf behind its last one. */
  readonly next: number;
}

export interface SealedFeedPorts {
  readonly logName: string;
  /** What SEALED ends with; sequence and index 0 when it is empty. */
  readonly end: () => Promise<FeedEnd>;
  /** Stores the message behind that sequence, and resolves with its own. Throws when another one stands there. */
  readonly publish: (message: SealedMessage, id: string, after: number) => Promise<number>;
  /** Exact texts of the leaves `[from, to)` of a log of `size` leaves. */
  readonly leaves: (from: number, to: number, size: number) => Promise<readonly string[]>;
  readonly log: { warn(fields: Record<string, unknown>, message: string): void };
  readonly sleep: (ms: number) => Promise<void>;
}

const RETRY_MS = 1_000;
/** Escaping an entry into a JSON string can double it; the other members are short. */
const ENTRY_BYTES_MAX = 110_000;
const LEAVES_READ = 1_024;

/**
 * Hands sealed entries on to those who export them, behind the checkpoints and never ahead of one. It holds nothing itself: what
 * SEALED ends with says where to go on, and the log has what comes next, so that a lost stream fills again from the files.
 */
export class SealedFeed {
  #head: Head | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #handedOn = 0;

  constructor(private readonly ports: SealedFeedPorts) {}

  /** How many entries of the log SEALED is known to have, or not to need any more. */
  get handedOn(): number {
    return this.#handedOn;
  }

  /** Entries of this head may be handed on. Returns at once. */
  offer(head: Head): void {
    this.#head = head;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Publishes no more, and waits for what is being published. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    let end: FeedEnd | undefined;
    while (!this.#isStopped && this.#head !== undefined && (end === undefined || end.next < this.#head.size)) {
      try {
        end ??= await this.ports.end();
        if (end.next < this.#head.size) end = await this.#publish(end, this.#head);
        this.#handedOn = end.next;
      } catch (error) {
        // Whatever came of it: the end of the stream says it the next time.
        end = undefined;
        this.ports.log.warn({ detail: messageOf(error) }, 'sealed entries could not be handed on');
        await this.ports.sleep(RETRY_MS);
      }
    }
  }

  async #publish({ seq, next }: FeedEnd, { size, root }: Head): Promise<FeedEnd> {
    const { leaves, publish, logName } = this.ports;
    let at: FeedEnd = { seq, next };
    const texts = await leaves(next, Math.min(size, next + LEAVES_READ), size);
    for (const entries of messagesOf(texts)) {
      if (this.#isStopped) return at;
      const message: SealedMessage = { v: 1, log_name: logName, first: at.next, size, root, entries: [...entries] };
      at = { seq: await publish(message, `${logName}/${at.next}`, at.seq), next: at.next + entries.length };
    }
    return at;
  }
}

/** Cuts texts into messages that SEALED takes. */
export function* messagesOf(texts: readonly string[]): Generator<readonly string[]> {
  let entries: string[] = [];
  let bytes = 0;
  for (const text of texts) {
    const size = Buffer.byteLength(text);
    if (entries.length === SEALED_ENTRIES_MAX || (entries.length > 0 && bytes + size > ENTRY_BYTES_MAX)) {
      yield entries;
      [entries, bytes] = [[], 0];
    }
    entries.push(text);
    bytes += size;
  }
  if (entries.length > 0) yield entries;
}
