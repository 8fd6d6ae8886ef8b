import { messageOf } from '#writ/faults';
import type { EntryBody } from '#writ/contracts';

/** A refused request of an agent. */
export interface Refusal {
  readonly agent: string;
  readonly kind: string;
  readonly code: string;
}

/** Which refusals are counted together, and the entry for one of them that stands for `n`. */
export interface RefusalKind<R> {
  readonly keyOf: (refusal: R) => string;
  readonly entryOf: (refusal: R, n: number) => EntryBody;
}

export const REQUEST_REFUSALS: RefusalKind<Refusal> = {
  keyOf: ({ agent, kind, code }) => `${agent} ${kind} ${code}`,
  entryOf: ({ agent, kind, code }, n) => ({ type: 'request.refused', who: { agent }, act: { kind }, why: { code }, n }),
};

export interface RefusalsOptions<R> {
  readonly of: RefusalKind<R>;
  readonly append: (body: EntryBody) => Promise<{ readonly id: string }>;
  readonly now: () => number;
  readonly onLost: (error: string) => void;
}

interface Window<R> {
  /** The first of those that are counted. */
  counted?: R;
  more: number;
  readonly sinceMs: number;
}

const WINDOW_MS = 60_000;
/** An attacker chooses the operation token of a subject: unknown ones are counted under one name. */
const SENDERS_MAX = 10_000;

/**
 * Records refusals: the first of a key at once, those that follow within a minute as one entry with a count. A flood costs the
 * ledger two entries a minute.
 */
export class Refusals<R = Refusal> {
  readonly #windows = new Map<string, Window<R>>();

  constructor(private readonly options: RefusalsOptions<R>) {}

  /** The id of the entry, when this refusal is the first of its window and could be recorded. */
  async record(refusal: R): Promise<string | undefined> {
    const { of, now } = this.options;
    const key = of.keyOf(refusal);
    const window = this.#windows.get(key);
    if (window !== undefined && now() - window.sinceMs < WINDOW_MS) {
      window.counted ??= refusal;
      window.more += 1;
      return undefined;
    }
    const closed = this.#close(key);
    if (this.#windows.size >= SENDERS_MAX) return undefined;
    // Before the first await: a refusal that comes meanwhile is counted in the new window.
    this.#windows.set(key, { more: 0, sinceMs: now() });
    await closed;
    return this.#write(refusal, 1);
  }

  /** Writes the counts of the windows that are over, or of all of them at shutdown. */
  async flush(all = false): Promise<void> {
    const now = this.options.now();
    const over = [...this.#windows].filter(([, window]) => all || now - window.sinceMs >= WINDOW_MS);
    await Promise.all(over.map(([key]) => this.#close(key)));
  }

  async #close(key: string): Promise<void> {
    const window = this.#windows.get(key);
    this.#windows.delete(key);
    if (window?.counted !== undefined) await this.#write(window.counted, window.more);
  }

  async #write(refusal: R, n: number): Promise<string | undefined> {
    const { of, append, onLost } = this.options;
    try {
      return (await append(of.entryOf(refusal, n))).id;
    } catch (error) {
      onLost(messageOf(error));
      return undefined;
    }
  }
}
