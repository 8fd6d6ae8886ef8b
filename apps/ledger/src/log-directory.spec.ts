import { Integrator, verifyConsistency } from '#writ/tlog';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildHealthyLedger } from '../../../test/harness/ledger-builder.js';
import { LogDirectory } from './log-directory.js';

const { deployment, messages } = buildHealthyLedger(60);
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'writ-log-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function openStore(): Promise<LogDirectory> {
  const store = new LogDirectory(directory);
  await store.claim();
  return store;
}

describe('LogDirectory', () => {
  it('holds the tree that was integrated, in however many steps it was written', async () => {
    const store = await openStore();
    const integrator = new Integrator(deployment.authority);
    for (let at = 0; at < messages.length; at += 17) {
      const before = { size: integrator.size, messages: at };
      await store.write(
        before,
        messages.slice(at, at + 17).map((message) => integrator.integrate(message)),
      );
      await expect(store.rootAt(integrator.size)).resolves.toBe(integrator.root().toString('base64url'));
    }
    await expect(store.rootAt(integrator.size + 1)).resolves.toBeUndefined();
  });

  it('gives back the texts of its leaves, and proofs that it extends what it was', async () => {
    const store = await openStore();
    const integrator = new Integrator(deployment.authority);
    const integrated = messages.map((message) => integrator.integrate(message));
    await store.write({ size: 0, messages: 0 }, integrated);
    const texts = integrated.flatMap(({ leaves }) => leaves.map(({ text }) => text));
    const { size } = integrator;
    for (const [from, to] of [
      [0, 1],
      [250, 260],
      [0, size],
      [size - 1, size],
    ] as const) {
      await expect(store.leaves(from, to, size)).resolves.toEqual(texts.slice(from, to));
    }
    const half = new Integrator(deployment.authority);
    for (const message of messages.slice(0, 60)) half.integrate(message);
    const claim = { size1: half.size, root1: half.root(), size2: size, root2: integrator.root() };
    expect(verifyConsistency(claim, await store.proof(half.size, size))).toBe(true);
  });

  it('shows a checkpoint under its size and as the newest, and keeps no partial tile beside a full one', async () => {
    const store = await openStore();
    await expect(store.checkpoint()).resolves.toBeUndefined();
    const integrator = new Integrator(deployment.authority);
    const integrated = messages.map((message) => integrator.integrate(message));
    await store.write({ size: 0, messages: 0 }, integrated.slice(0, 30));
    const { first, leaves } = integrated[29] ?? { first: 0, leaves: [] };
    await store.publish('a note\n', first + leaves.length);
    await store.write({ size: first + leaves.length, messages: 30 }, integrated.slice(30));
    await store.publish('another note\n', integrator.size);
    await expect(store.checkpoint()).resolves.toBe('another note\n');
    expect(await readdir(join(directory, 'checkpoints'))).toHaveLength(2);
    expect(await readdir(join(directory, 'tile', '0'))).toEqual(['000', '001', '002.p']);
  });

  it('keeps what was cosigned of an earlier checkpoint without showing it as the newest', async () => {
    const store = await openStore();
    await store.publish('a note\n', 3);
    await store.publish('a larger one\n', 5);
    await store.keep('a note\na cosignature\n', 3);
    expect(await readFile(join(directory, 'checkpoints', '3'), 'utf8')).toBe('a note\na cosignature\n');
    await expect(store.checkpoint()).resolves.toBe('a larger one\n');
  });

  it('says that the disk does not take it, and leaves nothing half written', async () => {
    const store = await openStore();
    await mkdir(join(directory, 'checkpoint'));
    await expect(store.publish('a note\n', 1)).rejects.toMatchObject({ code: 'LEDGER_LOG_UNWRITABLE' });
    const left = await readdir(directory, { recursive: true });
    expect(left.filter((path) => !path.startsWith('drafts'))).toEqual(['checkpoint']);
    expect(left.filter((path) => path.endsWith('.draft'))).toEqual([]);
  });

  it('knows the root of each earlier tree, also when its partial tiles are gone', async () => {
    const store = await openStore();
    const integrator = new Integrator(deployment.authority);
    const heads = new Map<number, string>();
    const integrated = messages.map((message) => {
      const each = integrator.integrate(message);
      heads.set(integrator.size, integrator.root().toString('base64url'));
      return each;
    });
    await store.write({ size: 0, messages: 0 }, integrated);
    for (const [size, root] of heads) await expect(store.rootAt(size, integrator.size)).resolves.toBe(root);
  });

  it.each([
    ['entries', 'tile/entries'],
    ['hashes', 'tile/0'],
  ])('does not grow over %s that somebody changed', async (_what, folder) => {
    const store = await openStore();
    const integrator = new Integrator(deployment.authority);
    const integrated = messages.map((message) => integrator.integrate(message));
    await store.write({ size: 0, messages: 0 }, integrated.slice(0, 9));
    const { first, leaves } = integrated[8] ?? { first: 0, leaves: [] };
    const size = first + leaves.length;
    const file = join(directory, folder, '000.p', String(size));
    const bytes = await readFile(file);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await expect(store.write({ size, messages: 9 }, integrated.slice(9, 12))).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
    });
  });

  it('leaves nothing of what a killed process had begun to write', async () => {
    await (await openStore()).publish('a note\n', 1);
    const [own = ''] = await readdir(join(directory, 'drafts'));
    await writeFile(join(directory, 'drafts', own, '0a0b0c.draft'), 'half a');
    const next = await openStore();
    await next.release();
    const left = await readdir(directory, { recursive: true });
    expect(left.toSorted()).toEqual(['checkpoint', 'checkpoints', 'checkpoints/1', 'drafts']);
  });

  it('takes nothing from the one that had claimed it before, and says so', async () => {
    const [before, after] = [await openStore(), await openStore()];
    await after.publish('of the newer one\n', 2);
    const integrator = new Integrator(deployment.authority);
    const integrated = messages.slice(0, 5).map((message) => integrator.integrate(message));
    const fenced = { code: 'LEDGER_FENCED' };
    await expect(before.write({ size: 0, messages: 0 }, integrated)).rejects.toMatchObject(fenced);
    await expect(before.publish('of the older one\n', 3)).rejects.toMatchObject(fenced);
    await expect(before.keep('of the older one\n', 1)).rejects.toMatchObject(fenced);
    await expect(before.put('bundle', Buffer.from('an older bundle'))).rejects.toMatchObject(fenced);
    // Not by asking once more either.
    await expect(before.claim()).rejects.toMatchObject(fenced);
    await expect(after.checkpoint()).resolves.toBe('of the newer one\n');
    expect((await readdir(directory)).toSorted()).toEqual(['checkpoint', 'checkpoints', 'drafts']);
  });
});
