/** A token that was minted, and when it ends; without an end it serves one request. */
export interface MintedToken {
  readonly token: string;
  readonly endsMs?: number | undefined;
}

/** A token is not used in the last part of its life: clocks differ, and a request takes time. */
const MARGIN_MS = 30_000;
const MARGIN_PART = 0.1;
/** However long a token lives, it is asked for anew after so long. */
const KEPT_MS_MAX = 3_600_000;
const TOKENS_MAX = 256;

interface Kept {
  readonly token: string;
  readonly untilMs: number;
}

/** Minted tokens until shortly before they end, and one minting at a time for each of them. */
export class TokenCache {
  readonly #kept = new Map<string, Kept>();
  readonly #running = new Map<string, Promise<string | undefined>>();

  constructor(private readonly nowMs: () => number) {}

  /** The token of a key, minted when there is none that can be used. Rejects as `mint` does; what failed is not kept. */
  async get(key: string, mint: () => Promise<MintedToken>, signal?: AbortSignal): Promise<string> {
    for (;;) {
      signal?.throwIfAborted();
      const kept = this.#kept.get(key);
      if (kept !== undefined && kept.untilMs > this.nowMs()) return kept.token;
      const running = this.#running.get(key);
      if (running === undefined) return this.#lead(key, mint, signal);
      // Undefined: whoever asked was stopped, which says nothing of the endpoint. Then this call asks.
      const token = await running;
      if (token !== undefined) return token;
    }
  }

  /** Forgets a token that was not taken, unless another one is there by now. */
  forget(key: string, token: string): void {
    if (this.#kept.get(key)?.token === token) this.#kept.delete(key);
  }

  async #lead(key: string, mint: () => Promise<MintedToken>, signal: AbortSignal | undefined): Promise<string> {
    const minting = this.#mint(key, mint);
    const shared = minting.catch((error: unknown) => {
      if (signal?.aborted === true) return undefined;
      throw error;
    });
    // Nobody may be waiting beside this call, which hears of it below.
    shared.catch(() => undefined);
    this.#running.set(key, shared);
    try {
      return await minting;
    } finally {
      this.#running.delete(key);
    }
  }

  async #mint(key: string, mint: () => Promise<MintedToken>): Promise<string> {
    const askedMs = this.nowMs();
    const { token, endsMs } = await mint();
    if (endsMs === undefined) return token;
    const lifeMs = Math.min(endsMs - askedMs, KEPT_MS_MAX);
    const untilMs = askedMs + lifeMs - Math.min(MARGIN_MS, lifeMs * MARGIN_PART);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= TOKENS_MAX && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, { token, untilMs });
    return token;
  }
}
