import type { Ruling } from '#writ/authorisation';

/** A decision, for whoever reads the log. */
export interface DecidedCall {
  readonly agent: string;
  readonly call: string;
}

interface Seen {
  count: number;
  toldMs: number;
}

/** Ids are those of policies that were in force since the start: many only when files change again and again. */
const POLICIES_MAX = 256;
const TELL_EVERY_MS = 1_000;
const LISTED_MAX = 16;
const MESSAGE_CHARACTERS_MAX = 256;

/**
 * Policies that errored in a decision: each is counted, and told in the log at most once a second, so that whoever can make a
 * policy error cannot fill the log. A permit that errors does not count, and nobody hears of it otherwise.
 */
export class PolicyErrors {
  readonly #byPolicy = new Map<string, Seen>();
  /** All policies beyond those that are told apart. */
  readonly #others: Seen = { count: 0, toldMs: -Infinity };

  constructor(
    private readonly log: { warn(fields: Record<string, unknown>, message: string): void },
    private readonly now: () => number,
  ) {}

  /** Call once for each decision. */
  note({ agent, call }: DecidedCall, errors: Ruling['errors']): void {
    if (errors.length === 0) return;
    const nowMs = this.now();
    const policies: { readonly id: string; readonly message: string }[] = [];
    for (const { id, message } of errors) {
      const seen = this.#count(id);
      if (policies.length === LISTED_MAX || nowMs - seen.toldMs < TELL_EVERY_MS) continue;
      seen.toldMs = nowMs;
      policies.push({ id, message: message.slice(0, MESSAGE_CHARACTERS_MAX) });
    }
    if (policies.length === 0) return;
    this.log.warn({ agent, call, policies }, 'policies errored in a decision');
  }

  /** For the health page: how often each policy errored since the start. */
  get details(): { readonly byPolicy: Readonly<Record<string, number>>; readonly others: number } {
    const counts = [...this.#byPolicy].map(([id, { count }]) => [id, count] as const);
    return { byPolicy: Object.fromEntries(counts), others: this.#others.count };
  }

  #count(id: string): Seen {
    let seen = this.#byPolicy.get(id);
    if (seen === undefined) {
      if (this.#byPolicy.size < POLICIES_MAX) this.#byPolicy.set(id, (seen = { count: 0, toldMs: -Infinity }));
      else seen = this.#others;
    }
    seen.count += 1;
    return seen;
  }
}
