import { parse, parseStrictJson, ShardLease, subjects } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import type { Bus } from '#writ/nats';

const HEARTBEAT_MS = 400;
/** Four heartbeats missed. With the claim, a standby serves about two seconds after the owner died. */
const SILENCE_MS = 1_600;
const CHECK_MS = 100;
const LEASE_JSON_LIMITS = { bytesMax: 4_096, depthMax: 2 };

/** What an owner does for a shard; made by claiming it. */
export interface OwnedShard {
  /** Stream sequence of the `shard.claimed` block. */
  readonly claim: number;
  readonly boot: string;
  /** Stops serving. The next owner may already be at work. */
  close(): Promise<void>;
}

export interface ShardKeeperOptions {
  readonly bus: Bus;
  readonly instance: string;
  readonly shards: number;
  readonly now: () => number;
  /** Lands a claim in the ledger and starts to serve. Throws when another owner was faster. `onLost`: the ledger fenced us. */
  readonly claim: (shard: number, onLost: () => void) => Promise<OwnedShard>;
  readonly log: {
    info(fields: Record<string, unknown>, message: string): void;
    error(fields: Record<string, unknown>, message: string): void;
  };
}

/**
 * Keeps each shard owned: an owner says so several times a second, and whoever hears nothing for a while claims the shard.
 * Heartbeats only decide when to try. Who owns is decided by the ledger, which takes the block of one writer alone.
 */
export class ShardKeeper {
  readonly #owned = new Map<number, OwnedShard>();
  readonly #heardMs = new Map<number, number>();
  readonly #claiming = new Set<number>();
  #timers: NodeJS.Timeout[] = [];

  constructor(private readonly options: ShardKeeperOptions) {}

  get owned(): readonly number[] {
    return [...this.#owned.keys()];
  }

  /** Hears who owns what. It is called early: a shard that has an owner is heard while this process still reads the ledger. */
  listen(): void {
    const { bus, shards, now, instance } = this.options;
    for (let shard = 0; shard < shards; shard++) this.#heardMs.set(shard, now());
    bus.subscribe('lease.pdp.*', {
      onMessage: ({ data }) => {
        try {
          const lease = parse(ShardLease, parseStrictJson(data, LEASE_JSON_LIMITS));
          if (lease.instance !== instance) this.#heardMs.set(lease.shard, now());
        } catch {
          // Not a lease: nobody is heard.
        }
      },
    });
  }

  /** Takes over what nobody owns. */
  start(): void {
    this.#timers = [
      setInterval(() => this.#sayOwned(), HEARTBEAT_MS),
      setInterval(() => this.#claimSilent(), CHECK_MS),
    ];
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([...this.#owned.values()].map((shard) => shard.close()));
    this.#owned.clear();
  }

  #sayOwned(): void {
    for (const [shard, { boot, claim }] of this.#owned) {
      const lease: ShardLease = { v: 1, shard, instance: this.options.instance, boot, claim };
      try {
        this.options.bus.publish(subjects.shardLease(shard), JSON.stringify(lease));
      } catch {
        // Disconnected: nobody hears us, and a standby takes over. The ledger will fence us.
      }
    }
  }

  #claimSilent(): void {
    const { shards, now, bus } = this.options;
    if (!bus.isConnected) return;
    for (let shard = 0; shard < shards; shard++) {
      const isSilent = now() - (this.#heardMs.get(shard) ?? 0) > SILENCE_MS;
      if (isSilent && !this.#owned.has(shard) && !this.#claiming.has(shard)) void this.#claim(shard);
    }
  }

  async #claim(shard: number): Promise<void> {
    const { claim, log, now } = this.options;
    this.#claiming.add(shard);
    try {
      const owned = await claim(shard, () => this.#lose(shard));
      this.#owned.set(shard, owned);
      this.#sayOwned();
      log.info({ shard, claim: owned.claim }, 'owns the shard');
    } catch (error) {
      this.#heardMs.set(shard, now());
      log.info({ shard, detail: messageOf(error) }, 'did not get the shard');
    } finally {
      this.#claiming.delete(shard);
    }
  }

  #lose(shard: number): void {
    const owned = this.#owned.get(shard);
    if (owned === undefined) return;
    this.#owned.delete(shard);
    this.#heardMs.set(shard, this.options.now());
    this.options.log.error({ shard }, 'lost the shard to another owner');
    void owned.close();
  }
}
