import type { RateLimit } from '#writ/catalogue';

/** Destinations by name, of which some have a limit. */
export type LimitedDestinations = Readonly<Record<string, { readonly rateLimit?: RateLimit | undefined }>>;

/** One allowed call. */
interface AllowedCall {
  readonly agent: string;
  readonly call: string;
  readonly kind: string;
  readonly resource: string;
}

/**
 * The latest allows of each agent to each destination with a rate limit: a sliding window, so no stretch of that length has more. Made
 * from the ledger, it is the same after a restart and for whoever owns the shard next.
 */
export class RateWindows {
  readonly #limits: ReadonlyMap<string, { readonly requests: number; readonly perMs: number }>;
  /** By agent and destination: when each call was allowed, in Unix ms, the oldest first, and never more of them than the limit. */
  readonly #windows = new Map<string, Map<string, number>>();

  constructor(destinations: LimitedDestinations) {
    this.#limits = new Map(
      Object.entries(destinations).flatMap(([name, { rateLimit }]) =>
        rateLimit === undefined
          ? []
          : [[name, { requests: rateLimit.requests, perMs: rateLimit.perSeconds * 1_000 }] as const],
      ),
    );
  }

  /** Counts an allow, once however often it is told. What does not go to a destination with a limit is left out. */
  count({ agent, call, kind, resource }: AllowedCall, atMs: number): void {
    const limit = this.#limits.get(resource);
    if (limit === undefined || !kind.startsWith('egress.')) return;
    const key = keyOf(agent, resource);
    const window = this.#windows.get(key) ?? new Map<string, number>();
    this.#windows.set(key, window);
    window.set(call, atMs);
    const [oldest] = window.keys();
    // More than the limit were allowed when the limit was higher: the latest say when there is room again.
    if (window.size > limit.requests && oldest !== undefined) window.delete(oldest);
  }

  /** Takes an allow back that did not come on record. */
  forget({ agent, call, resource }: AllowedCall): void {
    this.#windows.get(keyOf(agent, resource))?.delete(call);
  }

  /** For how many ms from now no further request may be allowed; undefined when one may be. */
  waitMs(agent: string, destination: string, nowMs: number): number | undefined {
    const limit = this.#limits.get(destination);
    const window = this.#windows.get(keyOf(agent, destination));
    if (limit === undefined || window === undefined) return undefined;
    for (const [call, atMs] of window) {
      if (nowMs - atMs < limit.perMs) break;
      window.delete(call);
    }
    if (window.size < limit.requests) return undefined;
    const [oldestMs = nowMs] = window.values();
    return oldestMs + limit.perMs - nowMs;
  }
}

/** Neither part can hold a blank. */
function keyOf(agent: string, resource: string): string {
  return `${agent} ${resource}`;
}
