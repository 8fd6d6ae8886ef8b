import { z } from 'zod';
import { FIRST_PREV, type Block } from './block.js';
import type { Refusal } from './refusal.js';

/** How a block that counts stands to the blocks of its producer before it. All but `next` mean that something is missing. */
export type CountingStep = 'next' | 'gap' | 'broken_link' | 'boot_gap';

/**
 * How a block of a proved author stands to the blocks of its producer before it. `gap`, `broken_link` and `boot_gap` count, because
 * losing authentic entries would be worse, but something before them is missing or was replaced.
 */
export type ChainStep = CountingStep | Extract<Refusal, 'replay' | 'fork' | 'reordered' | 'stale_boot'>;

/** Sentences for what a chain step means, after the name of the block. */
const SENTENCES: Readonly<Record<Exclude<ChainStep, 'next'>, string>> = {
  gap: 'does not follow the block before it: blocks are missing',
  broken_link: 'does not point at the block before it: that one was replaced',
  boot_gap:
    'starts a boot, but does not point at the last block of the boot before: blocks are missing or were replaced',
  replay: 'stands a second time',
  fork: 'is another block with the same number: the producer has two histories',
  reordered: 'stands after a later block of the same boot',
  stale_boot: 'is of a boot that ended before',
};

/** Earlier blocks of the boot that are told apart as `replay` or `fork`; one before them is `reordered`, and refused as well. */
export const HASHES_KEPT = 64;
/**
 * Ended boots of a producer that are remembered. A block of a boot before them counts again, as a `boot_gap` or `gap`, which is a
 * problem of its own: without a bound, whoever restarts a producer would decide how much state there is.
 */
export const BOOTS_KEPT = 1024;

const Hash = z.string().length(43);
const Boot = z.string().length(22);

/** What is remembered of a chain: at most `HASHES_KEPT` hashes and `BOOTS_KEPT` boots, about 30 KB. */
export const ChainState = z.strictObject({
  /** Boots so far, this one included. */
  boots: z.int().min(0),
  boot: Boot.nullable(),
  n: z.int().min(0),
  hash: Hash,
  /** Number and hash of the last blocks of this boot, oldest first. */
  recent: z.array(z.tuple([z.int().min(1), Hash])).max(HASHES_KEPT),
  /** The boots that ended last, oldest first. */
  closed: z.array(Boot).max(BOOTS_KEPT),
});
export type ChainState = z.infer<typeof ChainState>;

/** Whether a block counts after this step. */
export function isCounting(step: ChainStep): step is CountingStep {
  return step === 'next' || step === 'gap' || step === 'broken_link' || step === 'boot_gap';
}

/** What a step other than `next` says about the block, as a sentence. */
export function stepSentence({ n, producer }: Pick<Block, 'n' | 'producer'>, step: Exclude<ChainStep, 'next'>): string {
  return `block ${n} of \`${producer}\` ${SENTENCES[step]}`;
}

/** The chain of blocks of one producer: numbers without a hole within a boot, each pointing at the one before across boots. */
export class ProducerChain {
  readonly #closedBoots: Set<string>;
  /** Hashes of the last blocks of the current boot, by number, oldest first: tells a replay from a fork. */
  readonly #hashes: Map<number, string>;
  #boots: number;
  #boot: string | null;
  #n: number;
  #hash: string;

  constructor(state?: ChainState) {
    this.#closedBoots = new Set(state?.closed);
    this.#hashes = new Map(state?.recent);
    this.#boots = state?.boots ?? 0;
    this.#boot = state?.boot ?? null;
    this.#n = state?.n ?? 0;
    this.#hash = state?.hash ?? FIRST_PREV;
  }

  /** A chain whose next block is that one: what stood before it is not there. */
  static before({ boot, n, prev }: Pick<Block, 'boot' | 'n' | 'prev'>): ProducerChain {
    return new ProducerChain({ boots: 1, boot, n: n - 1, hash: prev, recent: [], closed: [] });
  }

  get boots(): number {
    return this.#boots;
  }

  /** All that a later chain needs to go on from here. */
  state(): ChainState {
    return {
      boots: this.#boots,
      boot: this.#boot,
      n: this.#n,
      hash: this.#hash,
      recent: [...this.#hashes],
      closed: [...this.#closedBoots],
    };
  }

  /** Judges the block and, if it counts, moves the chain to it. A refused block moves nothing. */
  accept(block: Pick<Block, 'boot' | 'n' | 'prev' | 'hash'>): ChainStep {
    const step = this.#judge(block);
    if (isCounting(step)) this.#advance(block);
    return step;
  }

  #judge({ boot, n, prev, hash }: Pick<Block, 'boot' | 'n' | 'prev' | 'hash'>): ChainStep {
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

  #advance({ boot, n, hash }: Pick<Block, 'boot' | 'n' | 'hash'>): void {
    if (boot !== this.#boot) {
      if (this.#boot !== null) remember(this.#closedBoots, this.#boot);
      this.#boot = boot;
      this.#boots++;
      this.#hashes.clear();
    }
    this.#n = n;
    this.#hash = hash;
    this.#hashes.set(n, hash);
    if (this.#hashes.size > HASHES_KEPT) dropOldest(this.#hashes);
  }
}

function remember(boots: Set<string>, boot: string): void {
  boots.add(boot);
  if (boots.size > BOOTS_KEPT) dropOldest(boots);
}

/** Sets and maps give their members in the order in which they came. */
function dropOldest<K>(members: { keys(): Iterator<K>; delete(member: K): boolean }): void {
  const oldest = members.keys().next();
  if (oldest.done !== true) members.delete(oldest.value);
}
