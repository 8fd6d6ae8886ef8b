import { messageOf } from '#writ/faults';
import type { EntryBody } from '#writ/contracts';

export interface Refusal {
  readonly agent: string;
  readonly kind: string;
  readonly code: string;
}

const WINDOW_MS = 60_000;
/** An attacker chooses the operation token of a subject: unknown ones are counted under one name. */
const SENDERS_MAX = 10_000;

/**
 * Records refused requests: the first of a sender, kind and code at once, those that follow within a minute as one entry
 * with a count. A flood costs the ledger two entries a minute.
 */
export class Refusals {
  readonly #windows = new Map<string, { readonly refusal: Refusal; more: number; readonly sinceMs: number }>();

  constructor(
    private readonly append: (body: EntryBody) => Promise<{ readonly id: string }>,
    private readonly now: () => number,
    private readonly onLost: (error: string) => void,
  ) {}

  /** The id of the entry, when this refusal is the first of its window and could be recorded. */
  async record(refusal: Refusal): Promise<string | undefined> {
    const key = `${refusal.agent} ${refusal.kind} ${refusal.code}`;
    const window = this.#windows.get(key);
    if (window !== undefined && this.now() - window.sinceMs < WINDOW_MS) {
      window.more += 1;
      return undefined;
    }
    const closed = this.#close(key);
    if (this.#windows.size >= SENDERS_MAX) return undefined;
    // Before the first await: a refusal that comes meanwhile is counted in the new window.
    this.#windows.set(key, { refusal, more: 0, sinceMs: this.now() });
    await closed;
    return this.#write(refusal, 1);
  }

  /** Writes the counts of the windows that are over, or of all of them at shutdown. */
  async flush(all = false): Promise<void> {
    const now = this.now();
    const over = [...this.#windows].filter(([, window]) => all || now - window.sinceMs >= WINDOW_MS);
    await Promise.all(over.map(([key]) => this.#close(key)));
  }

  async #close(key: string): Promise<void> {
    const window = this.#windows.get(key);
    this.#windows.delete(key);
    if (window !== undefined && window.more > 0) await this.#write(window.refusal, window.more);
  }

  async #write({ agent, kind, code }: Refusal, n: number): Promise<string | undefined> {
    try {
      return (await this.append({ type: 'request.refused', who: { agent }, act: { kind }, why: { code }, n })).id;
    } catch (error) {
      this.onLost(messageOf(error));
      return undefined;
    }
  }
}
