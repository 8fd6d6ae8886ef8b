import type { KeyLog, StoredKey } from '#writ/ledger-client';
import { TenantKeys } from '#writ/vault';
import { rewrapKeys } from './rewrap-keys.js';

const DATA_KEY = Buffer.alloc(32, 5);

/** A stream of keys: what is added stands behind what is there. `onErase` may throw. */
function streamOf(stored: StoredKey[], onErase: () => void = () => undefined): KeyLog {
  return {
    async *keys() {
      yield* [...stored];
    },
    add: async (name, data) =>
      void stored.push({ seq: 1 + Math.max(...stored.map(({ seq }) => seq)), name, data, storedMs: 0 }),
    erase: async (seq) => {
      onErase();
      stored.splice(0, stored.length, ...stored.filter((each) => each.seq !== seq));
    },
  };
}

describe('rewrapKeys', () => {
  const old = TenantKeys.create();
  const both = old.withNewKey();
  const three = () =>
    ['a', 'b', 'c'].map((name, i) => ({ seq: i + 1, name, data: old.wrap(name, DATA_KEY), storedMs: 0 }));
  const isOnlyNewest = (stored: readonly StoredKey[]) => {
    const alone = both.withNewestAlone();
    return stored.every(({ name, data }) => alone.unwrap(name, data).equals(DATA_KEY));
  };

  it('leaves each data key once, opened by the newest tenant key alone', async () => {
    const stored = three();
    expect(await rewrapKeys(streamOf(stored), both)).toEqual({ rewrapped: 3, left: 0 });
    expect(stored.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(isOnlyNewest(stored)).toBe(true);
    expect(await rewrapKeys(streamOf(stored), both)).toEqual({ rewrapped: 0, left: 0 });
  });

  it('loses no key when it dies, and is complete when it runs again', async () => {
    const stored = three();
    let left = 1;
    const dying = streamOf(stored, () => {
      if (left-- === 0) throw new Error('killed');
    });
    await expect(rewrapKeys(dying, both)).rejects.toThrow('killed');
    expect(new Set(stored.map(({ name }) => name))).toEqual(new Set(['a', 'b', 'c']));
    await rewrapKeys(streamOf(stored), both);
    expect(isOnlyNewest(stored)).toBe(true);
  });

  it('says that somebody still wraps under an older key', async () => {
    const stored = three();
    const log = streamOf(stored, () => {
      if (!stored.some(({ name }) => name === 'late')) {
        stored.push({ seq: 99, name: 'late', data: old.wrap('late', DATA_KEY), storedMs: 0 });
      }
    });
    expect(await rewrapKeys(log, both)).toEqual({ rewrapped: 3, left: 1 });
  });
});
