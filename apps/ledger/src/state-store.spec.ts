import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateStore } from './state-store.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'writ-state-'));
});
afterEach(() => rm(directory, { recursive: true }));

interface Value {
  readonly size: number;
}

async function openStore(): Promise<StateStore<Value>> {
  const store = new StateStore<Value>(directory);
  await store.claim();
  return store;
}

const statesIn = async (folder: string) => (await readdir(folder)).filter((file) => file !== 'drafts').toSorted();

describe('StateStore', () => {
  it('knows nothing before anything was stored, and afterwards what was stored last', async () => {
    const store = await openStore();
    await expect(store.load()).resolves.toBeUndefined();
    const first = await store.store({ size: 3 }, 0);
    await store.store({ size: 5 }, first.generation);
    await expect((await openStore()).load()).resolves.toEqual({ generation: 2, value: { size: 5 } });
  });

  it('lets one of two that know the same generation go on, and stops the other', async () => {
    const store = await openStore();
    const { generation } = await store.store({ size: 3 }, 0);
    const results = await Promise.allSettled([1, 2].map((size) => store.store({ size }, generation)));
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'LEDGER_FENCED' } });
  });

  it('stops one that knows a generation which was pruned since, though its own number is free again', async () => {
    const store = await openStore();
    let { generation } = await store.store({ size: 1 }, 0);
    const sleeping = generation;
    for (let size = 2; size < 20; size++) generation = (await store.store({ size }, generation)).generation;
    await expect(store.store({ size: 99 }, sleeping)).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    await expect(store.load()).resolves.toMatchObject({ value: { size: 19 } });
  });

  it('takes nothing from the one that had claimed it before, not even the generation that comes next', async () => {
    const before = await openStore();
    const { generation } = await before.store({ size: 3 }, 0);
    await expect(before.assertOwner()).resolves.toBeUndefined();
    const after = await openStore();
    await expect(before.store({ size: 4 }, generation)).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    await expect(before.assertOwner()).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    await expect(before.claim()).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    await after.store({ size: 5 }, generation);
    await expect(after.load()).resolves.toMatchObject({ generation: 2, value: { size: 5 } });
  });

  it('has one owner at most, of however many claim it at once', async () => {
    for (let round = 0; round < 20; round++) {
      const stores = Array.from({ length: 6 }, () => new StateStore<Value>(directory));
      await Promise.all(stores.map((store) => store.claim()));
      const owners = await Promise.allSettled(stores.map((store) => store.assertOwner()));
      expect(owners.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    }
  });

  it('says at once that another process is ahead, and that its directory is gone', async () => {
    const store = await openStore();
    const { generation } = await store.store({ size: 3 }, 0);
    await expect(store.assertNewest(generation)).resolves.toBeUndefined();
    await (await openStore()).store({ size: 5 }, generation);
    await expect(store.assertNewest(generation)).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    const elsewhere = new StateStore(join(directory, 'gone'));
    await expect(elsewhere.assertNewest(generation)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
  });

  it('leaves nothing of what a killed process had begun to store', async () => {
    await (await openStore()).store({ size: 3 }, 0);
    const [own = ''] = await readdir(join(directory, 'drafts'));
    await writeFile(join(directory, 'drafts', own, '0a0b0c.draft'), 'half a');
    await (await openStore()).release();
    expect(await statesIn(directory)).toEqual(['state-000000000001.json']);
    expect(await readdir(join(directory, 'drafts'))).toEqual([]);
  });

  it('refuses a damaged state, rather than one in which less was signed', async () => {
    const store = await openStore();
    const { generation } = await store.store({ size: 3 }, 0);
    await store.store({ size: 5 }, generation);
    const newest = (await statesIn(directory)).at(-1) as string;
    await writeFile(join(directory, newest), 'half a');
    await expect(store.load()).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
  });

  it('keeps a few generations, and no drafts', async () => {
    const store = await openStore();
    for (let after = 0; after < 20; after++) await store.store({ size: after }, after);
    const files = await statesIn(directory);
    expect(files).toHaveLength(8);
    expect(files.every((file) => file.startsWith('state-'))).toBe(true);
    const [own = ''] = await readdir(join(directory, 'drafts'));
    expect(await readdir(join(directory, 'drafts', own))).toEqual([]);
  });
});
