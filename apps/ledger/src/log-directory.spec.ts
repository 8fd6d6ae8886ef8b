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

describe('LogDirectory', () => {
  it('holds the tree that was integrated, in however many steps it was written', async () => {
    const store = new LogDirectory(directory);
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
    const store = new LogDirectory(directory);
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
    const store = new LogDirectory(directory);
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
    const store = new LogDirectory(directory);
    await store.publish('a note\n', 3);
    await store.publish('a larger one\n', 5);
    await store.keep('a note\na cosignature\n', 3);
    expect(await readFile(join(directory, 'checkpoints', '3'), 'utf8')).toBe('a note\na cosignature\n');
    await expect(store.checkpoint()).resolves.toBe('a larger one\n');
  });

  it('says that the disk does not take it, and leaves nothing half written', async () => {
    const store = new LogDirectory(directory);
    await mkdir(join(directory, 'checkpoint'));
    await expect(store.publish('a note\n', 1)).rejects.toMatchObject({ code: 'LEDGER_LOG_UNWRITABLE' });
    const left = await readdir(directory, { recursive: true });
    expect(left).toEqual(['checkpoint']);
  });

  it('knows the root of each earlier tree, also when its partial tiles are gone', async () => {
    const store = new LogDirectory(directory);
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
    const store = new LogDirectory(directory);
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

  it('removes what a killed process had begun to write, and nothing else', async () => {
    const store = new LogDirectory(directory);
    await store.publish('a note\n', 1);
    for (let n = 0; n < 100; n++) await writeFile(join(directory, 'checkpoints', `${n}.0a0b0c.draft`), 'half a');
    await store.tidy();
    const left = await readdir(directory, { recursive: true });
    expect(left.toSorted()).toEqual(['checkpoint', 'checkpoints', 'checkpoints/1']);
  });
});
