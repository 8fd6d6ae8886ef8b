import { type DecideAddress, type EntryBody, type PayloadValue } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { AppendOptions, BlockWriter, LedgerFollower } from '#writ/ledger-client';
import type { BusSubscription } from '#writ/nats';
import type { Calls, PolicyEpoch } from './calls.js';
import type { DecidingShard, Shard, Shards } from './ports.js';
import { Refusals, REQUEST_REFUSALS } from './refusals.js';
import type { OwnedShard } from './shard-keeper.js';

const DECLINED_MAX = 5;

export const producerOf = (shard: number): string => `pdp-${shard}`;

interface Owned extends DecidingShard {
  readonly refusals: Refusals;
}

export interface ShardOwnerOptions {
  readonly instance: string;
  readonly calls: Calls;
  readonly follower: Pick<LedgerFollower, 'catchUp' | 'position'>;
  readonly openWriter: (producer: string, onDead: () => void) => Promise<BlockWriter>;
  readonly serve: (shard: number) => BusSubscription;
  /** Whether the policies here may follow those that the chain of the producer says are in force. */
  readonly canServe: (producer: string) => boolean;
  /** Puts the policies in force that the new owner decides by: before its first decision. */
  readonly onClaimed: (shard: DecidingShard) => Promise<void>;
  readonly now: () => number;
  readonly log: { error(fields: Record<string, unknown>, message: string): void };
}

/** The shards that this process owns. Owning is: the ledger took our claim, and nobody's after it. */
export class ShardOwner implements Shards {
  readonly #owned = new Map<number, Owned>();
  /** How often a silent shard was left to others, because of older policies here. */
  readonly #declined = new Map<number, number>();
  /** Sequences of blocks written here that the follower has not come to yet. */
  readonly #written = new Set<number>();

  constructor(private readonly options: ShardOwnerOptions) {}

  of({ shard }: DecideAddress): DecidingShard | undefined {
    return this.#owned.get(shard);
  }

  refusalsOf({ shard }: DecideAddress): Refusals | undefined {
    return this.#owned.get(shard)?.refusals;
  }

  /** How to write for a producer, when it is a shard of ours. */
  appendFor(producer: string): Shard['append'] | undefined {
    for (const [shard, owned] of this.#owned) if (producerOf(shard) === producer) return owned.append;
    return undefined;
  }

  /** Any shard of ours, to write entries that belong to no agent. */
  first(): DecidingShard | undefined {
    return this.#owned.values().next().value;
  }

  all(): readonly DecidingShard[] {
    return [...this.#owned.values()];
  }

  /** What each shard of ours decides by, as its chain says. */
  epochs(): readonly { readonly shard: number; readonly epoch: PolicyEpoch | undefined }[] {
    return [...this.#owned].map(([shard, { epoch }]) => ({ shard, epoch }));
  }

  async flushRefusals(all = false): Promise<void> {
    await Promise.all([...this.#owned.values()].map(({ refusals }) => refusals.flush(all)));
  }

  /** Lands the claim, catches up with all that stood before it, and serves. Throws LEDGER_FENCED when another was faster. */
  async claim(shard: number, onLost: () => void): Promise<OwnedShard> {
    const { follower, openWriter, instance, canServe } = this.options;
    // Another process may have newer policies. When nobody takes the shard for a while, it is better owned and refusing, on record.
    const declined = this.#declined.get(shard) ?? 0;
    if (declined < DECLINED_MAX && !canServe(producerOf(shard))) {
      this.#declined.set(shard, declined + 1);
      throw new Fault('POLICY_DOWNGRADE', 'the policies here are older than those in force on the shard');
    }
    this.#declined.delete(shard);
    const writer = await openWriter(producerOf(shard), onLost);
    const after = writer.lastSeq;
    const claimed = await writer.append({ type: 'shard.claimed', shard, inst: instance, after });
    // If the process dies here the shard has an owner on record that serves nobody; the next one claims it again.
    // From here on no other writer's block can follow, so what stands in the ledger now is the whole past of this shard.
    await follower.catchUp();
    const owned = this.#own(writer, producerOf(shard));
    // It hears of changes from here on; it serves nobody before its policies are in force.
    this.#owned.set(shard, owned);
    try {
      await this.options.onClaimed(owned);
    } catch (error) {
      this.#owned.delete(shard);
      throw error;
    }
    const subscription = this.options.serve(shard);
    return {
      claim: claimed.seq,
      boot: writer.boot,
      close: async () => {
        await subscription.drain().catch(() => undefined);
        await owned.refusals.flush(true);
        this.#owned.delete(shard);
      },
    };
  }

  /** Whether this process wrote that block, and so has taken it in already. Asked once a block, in stream order. */
  isOwn(seq: number): boolean {
    return this.#written.delete(seq);
  }

  #own(writer: BlockWriter, producer: string): Owned {
    const { calls } = this.options;
    const append = async (body: EntryBody, values?: readonly PayloadValue[], options?: AppendOptions) => {
      const appended = await writer.append(body, values, options);
      // A decision is taken in by whoever made it, with the digest of its request.
      if (!body.type.endsWith('.decided')) calls.apply(appended);
      if (appended.seq >= this.options.follower.position) this.#written.add(appended.seq);
      return appended;
    };
    const onLost = (error: string) =>
      this.options.log.error({ detail: error }, 'a refused request could not be recorded');
    return {
      calls,
      append,
      tokensOf: (holder) => writer.heldTokens(holder),
      refusals: new Refusals({ of: REQUEST_REFUSALS, append, now: this.options.now, onLost }),
      get epoch() {
        return calls.epochOf(producer);
      },
      rules: undefined,
      activation: undefined,
    };
  }
}
