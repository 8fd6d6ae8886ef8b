import { sweepExpired } from './sweep-expired.js';

const scope = (namespace: string) => ({ tenant: 'default', namespace, ttlSeconds: 60 });

/** A store that has so many expired records in each namespace, and tells when a round has nothing more to do. */
function storeWith(expired: Record<string, number>) {
  const batches: (readonly [namespace: string, n: number])[] = [];
  let whenDone = (): void => undefined;
  const done = new Promise<void>((resolve) => (whenDone = resolve));
  const deleteExpired = async ({ namespace }: { readonly namespace: string }, max: number) => {
    const n = Math.min(expired[namespace] ?? 0, max);
    expired[namespace] = (expired[namespace] ?? 0) - n;
    batches.push([namespace, n]);
    if (Object.values(expired).every((left) => left === 0)) whenDone();
    return n;
  };
  return { store: { deleteExpired }, batches, done };
}

describe('sweepExpired', () => {
  it('deletes all that has expired at the start, in batches, namespace by namespace', async () => {
    const { store, batches, done } = storeWith({ a: 1_100, b: 2 });
    const stop = sweepExpired(store, [scope('a'), scope('b')], { warn: () => undefined });
    await done;
    await stop();
    expect(batches).toEqual([
      ['a', 500],
      ['a', 500],
      ['a', 100],
      ['b', 2],
    ]);
  });

  it('goes on after a failure, of which the log is told', async () => {
    const warned: unknown[] = [];
    let rounds = 0;
    let whenTwice = (): void => undefined;
    const twice = new Promise<void>((resolve) => (whenTwice = resolve));
    const deleteExpired = async () => {
      if (++rounds === 2) whenTwice();
      throw new Error('gone');
    };
    const stop = sweepExpired({ deleteExpired }, [scope('a')], { warn: (fields) => warned.push(fields), everyMs: 1 });
    await twice;
    await stop();
    expect(warned[0]).toEqual({ detail: 'gone' });
  });

  it('is over when it was stopped: what is under way is waited for, and nothing begins', async () => {
    let [begun, finish] = [(): void => undefined, (): void => undefined];
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const isFinished = new Promise<void>((resolve) => (finish = resolve));
    let batches = 0;
    const deleteExpired = async (_scope: unknown, max: number) => {
      batches++;
      begun();
      await isFinished;
      return max;
    };
    const stop = sweepExpired({ deleteExpired }, [scope('a')], { warn: () => undefined });
    await hasBegun;
    const stopped = stop();
    finish();
    await stopped;
    expect(batches).toBe(1);
  });
});
