import type { Lease } from '#writ/files';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Ownership, type OwnershipPorts } from './ownership.js';

/** An ownership whose lease is somebody else's until the test says otherwise. */
function anOwnership(ports: Partial<OwnershipPorts> = {}) {
  const done: string[] = [];
  let tick = () => {};
  const lease: Lease = {
    renew: () => Promise.resolve(true),
    release: () => Promise.resolve(void done.push('released')),
  };
  let give = (_lease: Lease | undefined) => {};
  const given = new Promise<Lease | undefined>((resolve) => (give = resolve));
  const ownership = new Ownership({
    acquire: ({ signal, onWaiting }) => {
      onWaiting({ pid: 42 });
      signal.addEventListener('abort', () => give(undefined));
      return given;
    },
    begin: () => Promise.resolve(void done.push('began')),
    isStuck: () => false,
    every: (_ms, act) => {
      tick = act;
      return () => (tick = () => {});
    },
    end: (why) => void done.push(why),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    ...ports,
  });
  /** Lets so many renewals come due. */
  const renewals = async (count: number) => {
    for (let n = 0; n < count; n++) {
      tick();
      await nextTurn();
    }
  };
  return { ownership, done, lease, give, renewals };
}

const finish = (done: string[]) => () => Promise.resolve(void done.push('finished'));

describe('Ownership', () => {
  it('stands by without beginning anything, and begins when the lease is its own', async () => {
    const { ownership, done, lease, give } = anOwnership();
    await ownership.start();
    expect([ownership.waitsFor, done]).toEqual([{ pid: 42 }, []]);
    give(lease);
    await nextTurn();
    expect([ownership.waitsFor, done]).toEqual([undefined, ['began']]);
  });

  it('has begun when it started, where nobody holds the lease', async () => {
    const { ownership, done, lease, give } = anOwnership({ acquire: () => Promise.resolve(lease) });
    give(undefined);
    await ownership.start();
    expect(done).toEqual(['began']);
    await ownership.stop(finish(done));
  });

  it('finishes its work before the next one gets the lease', async () => {
    const { ownership, done, lease, give } = anOwnership();
    await ownership.start();
    give(lease);
    await ownership.stop(finish(done));
    expect(done).toEqual(['began', 'finished', 'released']);
  });

  it('ends while it stands by, with nothing to release', async () => {
    const { ownership, done } = anOwnership();
    await ownership.start();
    await ownership.stop(finish(done));
    expect(done).toEqual(['finished']);
  });

  it('fails to start when it cannot begin; a standby that cannot ends, so that the next start says why', async () => {
    const begin = () => Promise.reject(new Error('no key'));
    const { lease, ...standby } = anOwnership({ begin });
    const first = anOwnership({ begin, acquire: () => Promise.resolve(lease) });
    await expect(first.ownership.start()).rejects.toThrow('no key');
    await standby.ownership.start();
    standby.give(lease);
    await nextTurn();
    expect(standby.done).toEqual(['this sealer could not take over: no key']);
    await first.ownership.stop(finish([]));
    await standby.ownership.stop(finish([]));
  });

  it('renews the lease while it is at work, and says nothing while it hangs', async () => {
    let [renewed, isStuck] = [0, false];
    const lease: Lease = { renew: () => Promise.resolve(++renewed > 0), release: () => Promise.resolve() };
    const { ownership, renewals } = anOwnership({ acquire: () => Promise.resolve(lease), isStuck: () => isStuck });
    await ownership.start();
    await renewals(10);
    expect(renewed).toBe(10);
    isStuck = true;
    await renewals(10);
    expect(renewed).toBe(10);
    isStuck = false;
    await ownership.stop(finish([]));
    await renewals(10);
    expect(renewed).toBe(10);
  });

  it('ends when the lease is another’s, and not because a standby looked at it for a moment', async () => {
    const answers = [true, false, true, false, false];
    const lease: Lease = {
      renew: () => Promise.resolve(answers.shift() ?? false),
      release: () => Promise.resolve(),
    };
    const { ownership, done, renewals } = anOwnership({ acquire: () => Promise.resolve(lease) });
    await ownership.start();
    await renewals(4);
    expect(done).toEqual(['began']);
    await renewals(1);
    expect(done).toEqual(['began', 'another sealer has taken over']);
    await ownership.stop(finish([]));
  });
});
