import type { ShardLease } from '#writ/contracts';
import type { Bus, BusMessage } from '#writ/nats';
import { type OwnedShard, ShardKeeper } from './shard-keeper.js';

const SILENCE_MS = 1_600;

/** Everybody who is on one bus hears what anybody publishes. The clock is the test's. */
class Stage {
  nowMs = 1_000;
  readonly heard: ShardLease[] = [];
  readonly #listeners: ((message: BusMessage) => void)[] = [];
  readonly #keepers: ShardKeeper[] = [];

  say(data: Uint8Array | string): void {
    const message = { subject: 'lease.pdp.0', reply: undefined, data: Buffer.from(data), status: 0 };
    for (const listener of this.#listeners) listener({ ...message, header: () => undefined, headerText: () => '' });
  }

  bus(isConnected = true): Bus {
    const publish = (_subject: string, data: Uint8Array | string) => {
      this.heard.push(JSON.parse(Buffer.from(data).toString()) as ShardLease);
      this.say(data);
    };
    const subscribe = (_subject: string, { onMessage }: { onMessage: (message: BusMessage) => void }) =>
      void this.#listeners.push(onMessage);
    return { isConnected, publish, subscribe } as unknown as Bus;
  }

  /** A decision service that tries to own; `claims` says what the ledger answers. */
  keeper(instance: string, claim: (onLost: () => void) => Promise<OwnedShard>, bus = this.bus()): ShardKeeper {
    const keeper = new ShardKeeper({
      bus,
      instance,
      shards: 1,
      now: () => this.nowMs,
      claim: (_shard, onLost) => claim(onLost),
      log: { info: () => undefined, error: () => undefined },
    });
    keeper.listen();
    keeper.start();
    this.#keepers.push(keeper);
    return keeper;
  }

  async close(): Promise<void> {
    await Promise.all(this.#keepers.map((keeper) => keeper.stop()));
  }
}

/** A shard that was claimed, and whether it was closed. */
function owned(): OwnedShard & { isClosed: boolean } {
  const shard = {
    claim: 7,
    boot: 'A'.repeat(22),
    isClosed: false,
    close: () => {
      shard.isClosed = true;
      return Promise.resolve();
    },
  };
  return shard;
}

async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Long enough for a keeper to have looked twice. */
const aLook = () => new Promise((resolve) => setTimeout(resolve, 220));

describe('ShardKeeper', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  it('claims a shard that nobody was heard of for a while, and says so from then on', async () => {
    const keeper = stage.keeper('pdp-1', () => Promise.resolve(owned()));
    await aLook();
    expect(keeper.owned).toEqual([]);
    stage.nowMs += SILENCE_MS + 1;
    await until(() => keeper.owned.length === 1);
    expect(stage.heard).toContainEqual({ v: 1, shard: 0, instance: 'pdp-1', boot: 'A'.repeat(22), claim: 7 });
  });

  it('leaves a shard alone whose owner is heard', async () => {
    const keeper = stage.keeper('pdp-2', () => Promise.resolve(owned()));
    for (let n = 0; n < 3; n++) {
      stage.nowMs += SILENCE_MS;
      stage.say(JSON.stringify({ v: 1, shard: 0, instance: 'pdp-1', boot: 'B', claim: 3 }));
      await aLook();
    }
    expect(keeper.owned).toEqual([]);
  });

  it('is not kept away by what is no lease', async () => {
    const keeper = stage.keeper('pdp-2', () => Promise.resolve(owned()));
    stage.nowMs += SILENCE_MS + 1;
    stage.say('nonsense');
    stage.say(JSON.stringify({ v: 2, shard: 0, instance: 'pdp-1', boot: 'B', claim: 3 }));
    await until(() => keeper.owned.length === 1);
    expect(stage.heard).toMatchObject([{ instance: 'pdp-2' }]);
  });

  it('does not own what the ledger gave to a faster one, and waits before it tries again', async () => {
    let attempts = 0;
    const keeper = stage.keeper('pdp-2', () => {
      attempts += 1;
      return Promise.reject(new Error('fenced'));
    });
    stage.nowMs += SILENCE_MS + 1;
    await until(() => attempts === 1);
    await aLook();
    expect({ attempts, owned: keeper.owned }).toEqual({ attempts: 1, owned: [] });
    stage.nowMs += SILENCE_MS + 1;
    await until(() => attempts === 2);
  });

  it('claims once at a time, however long the ledger takes', async () => {
    let attempts = 0;
    stage.keeper('pdp-2', () => {
      attempts += 1;
      return new Promise(() => undefined);
    });
    stage.nowMs += SILENCE_MS + 1;
    await until(() => attempts === 1);
    stage.nowMs += 10 * SILENCE_MS;
    await aLook();
    expect(attempts).toBe(1);
  });

  it('stops serving when the ledger says that it lost the shard, and claims again only after a silence', async () => {
    const first = owned();
    let lose: () => void = () => undefined;
    let attempts = 0;
    const keeper = stage.keeper('pdp-1', (onLost) => {
      attempts += 1;
      lose = onLost;
      return Promise.resolve(first);
    });
    stage.nowMs += SILENCE_MS + 1;
    await until(() => keeper.owned.length === 1);
    lose();
    expect({ owned: keeper.owned, isClosed: first.isClosed }).toEqual({ owned: [], isClosed: true });
    await aLook();
    expect(attempts).toBe(1);
  });

  it('claims nothing while it is cut off', async () => {
    const keeper = stage.keeper('pdp-1', () => Promise.resolve(owned()), stage.bus(false));
    stage.nowMs += 10 * SILENCE_MS;
    await aLook();
    expect(keeper.owned).toEqual([]);
  });

  it('closes what it owns when the service stops', async () => {
    const shard = owned();
    const keeper = stage.keeper('pdp-1', () => Promise.resolve(shard));
    stage.nowMs += SILENCE_MS + 1;
    await until(() => keeper.owned.length === 1);
    await keeper.stop();
    expect({ owned: keeper.owned, isClosed: shard.isClosed }).toEqual({ owned: [], isClosed: true });
  });
});
