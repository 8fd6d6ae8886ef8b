import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateStore } from './state-store.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'writ-state-'));
});
afterEach(() => rm(directory, { recursive: true }));

const openStore = () => new StateStore<{ size: number }>(directory);

describe('StateStore', () => {
  it('knows nothing before anything was stored, and afterwards what was stored last', async () => {
    await expect(openStore().load()).resolves.toBeUndefined();
    const first = await openStore().store({ size: 3 }, 0);
    await openStore().store({ size: 5 }, first.generation);
    await expect(openStore().load()).resolves.toEqual({ generation: 2, value: { size: 5 } });
  });

  it('lets one of two processes that know the same generation go on, and stops the other', async () => {
    const { generation } = await openStore().store({ size: 3 }, 0);
    const results = await Promise.allSettled([1, 2].map((size) => openStore().store({ size }, generation)));
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'LEDGER_FENCED' } });
  });

  it('stops a process that slept while another wrote so many generations that its own is free again', async () => {
    let { generation } = await openStore().store({ size: 1 }, 0);
    const sleeping = generation;
    for (let size = 2; size < 20; size++) generation = (await openStore().store({ size }, generation)).generation;
    await expect(openStore().store({ size: 99 }, sleeping)).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    await expect(openStore().load()).resolves.toMatchObject({ value: { size: 19 } });
  });

  it('says at once that another process is ahead, and that its directory is gone', async () => {
    const { generation } = await openStore().store({ size: 3 }, 0);
    await expect(openStore().assertNewest(generation)).resolves.toBeUndefined();
    await openStore().store({ size: 5 }, generation);
    await expect(openStore().assertNewest(generation)).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    const elsewhere = new StateStore(join(directory, 'gone'));
    await expect(elsewhere.assertNewest(generation)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
  });

  it('removes what a killed process had begun to store', async () => {
    await openStore().store({ size: 3 }, 0);
    await writeFile(join(directory, 'draft-0a0b0c'), 'half a');
    await openStore().tidy();
    expect(await readdir(directory)).toEqual(['state-000000000001.json']);
  });

  it('refuses a damaged state, rather than one in which less was signed', async () => {
    const { generation } = await openStore().store({ size: 3 }, 0);
    await openStore().store({ size: 5 }, generation);
    const newest = (await readdir(directory)).toSorted().at(-1) as string;
    await writeFile(join(directory, newest), 'half a');
    await expect(openStore().load()).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
  });

  it('keeps a few generations, and no drafts', async () => {
    for (let after = 0; after < 20; after++) await openStore().store({ size: after }, after);
    const files = await readdir(directory);
    expect(files).toHaveLength(8);
    expect(files.every((file) => file.startsWith('state-'))).toBe(true);
  });
});
