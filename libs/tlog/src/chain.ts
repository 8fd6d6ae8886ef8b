import { FIRST_PREV, type Block } from './block.js';
import type { Refusal } from './refusal.js';

/**
 * How a block of a proved author stands to the blocks of its producer before it. `gap`, `broken_link` and `boot_gap` count, because
 * losing authentic entries would be worse, but something before them is missing or was replaced.
 */
export type ChainStep =
  'next' | 'gap' | 'broken_link' | 'boot_gap' | Extract<Refusal, 'replay' | 'fork' | 'reordered' | 'stale_boot'>;

const COUNTING: ReadonlySet<ChainStep> = new Set(['next', 'gap', 'broken_link', 'boot_gap']);

/** The chain of blocks of one producer: numbers without a hole within a boot, each pointing at the one before across boots. */
export class ProducerChain {
  readonly #closedBoots = new Set<string>();
  /** Hash of each block of the current boot, by number: tells a replay from a fork. */
  readonly #hashes = new Map<number, string>();
  #boot: string | undefined;
  #n = 0;
  #hash = FIRST_PREV;

  get boots(): number {
    return this.#closedBoots.size + (this.#boot === undefined ? 0 : 1);
  }

  /** Number of the last block that counted, in its boot. */
  get n(): number {
    return this.#n;
  }

  /** Judges the block and, if it counts, moves the chain to it. A refused block moves nothing. */
  accept(block: Block): ChainStep {
    const step = this.#judge(block);
    if (COUNTING.has(step)) this.#advance(block);
    return step;
  }

  #judge({ boot, n, prev, hash }: Block): ChainStep {
    if (this.#closedBoots.has(boot)) return 'stale_boot';
    if (boot !== this.#boot) {
      if (n !== 1) return 'gap';
      return prev === this.#hash ? 'next' : 'boot_gap';
    }
    if (n <= this.#n) return this.#judgeEarlier(n, hash);
    if (n !== this.#n + 1) return 'gap';
    return prev === this.#hash ? 'next' : 'broken_link';
  }

  #judgeEarlier(n: number, hash: string): ChainStep {
    const accepted = this.#hashes.get(n);
    if (accepted === undefined) return 'reordered';
    return accepted === hash ? 'replay' : 'fork';
  }

  #advance({ boot, n, hash }: Block): void {
    if (boot !== this.#boot) {
      if (this.#boot !== undefined) this.#closedBoots.add(this.#boot);
      this.#boot = boot;
      this.#hashes.clear();
    }
    this.#n = n;
    this.#hash = hash;
    this.#hashes.set(n, hash);
  }
}
