import { WritConfig } from '#writ/catalogue';
import { openTrustBundle } from '#writ/signing';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDeployment } from './deployment.js';
import { readPublicKeys, readSigningKey, readTrustBundle } from './keys.js';
import { deploymentPaths, type DeploymentPaths } from './paths.js';
import { beginRotation, endRotation, installKey, readRootKey, type RotatedKey, rotationIn } from './rotate-key.js';

const CONFIG = WritConfig.parse({ version: 1, ledger: 'test.example/default/0', agents: {} });
const PDP: RotatedKey = { instance: 'pdp-1' };

describe('the rotation of a key', () => {
  let directory: string;
  let paths: DeploymentPaths;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-keys-'));
    paths = deploymentPaths(join(directory, 'data'));
    await restart();
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const restart = async () => (await openDeployment({ dataDir: join(directory, 'data'), config: CONFIG })).close();
  const root = () => readRootKey(paths, undefined);
  const until = (which: RotatedKey) => (which === 'log' ? { size: 9 } : { seq: 4, size: 9 });
  const fileOf = (which: RotatedKey) => (which === 'log' ? paths.logKey : paths.producerKey(which.instance));

  async function whole(which: RotatedKey) {
    const rotation = await beginRotation(paths, which, { root: await root(), ...(which === 'log' && { from: 5 }) });
    await installKey(paths, which, rotation);
    await endRotation(paths, rotation, { root: await root(), until: until(which) });
    return rotation;
  }

  it.each([['of a producer', PDP] as const, ['of the log', 'log'] as const])(
    '%s keeps the old key in the bundle with its end, under a higher version at each step',
    async (_case, which) => {
      const before = await readTrustBundle(paths);
      const stolen = await readSigningKey(fileOf(which));
      const { old, next } = await whole(which);
      const after = openTrustBundle(await readFile(paths.trustBundle, 'utf8'), (await readPublicKeys(paths)).root);
      expect([before.version, after.version]).toEqual([1, 3]);
      expect(after.keys.find(({ id }) => id === stolen.id)).toMatchObject({ next: next.id, until: until(which) });
      expect([old.id, (await readSigningKey(fileOf(which))).id]).toEqual([stolen.id, next.id]);
      expect(after.keys).toHaveLength(before.keys.length + 1);
      await restart();
      expect((await readTrustBundle(paths)).version).toBe(3);
    },
  );

  it.each([['of a producer', PDP] as const, ['of the log', 'log'] as const])(
    '%s goes on with the same key after a crash between any two writes',
    async (_case, which) => {
      const next = which === 'log' ? paths.logNextKey : paths.producerNextKey(which.instance);
      const options = { root: await root(), ...(which === 'log' && { from: 5 }) };
      const oldBundle = await readFile(paths.trustBundle);
      const first = await beginRotation(paths, which, options);
      // The key was written and the bundle was not: nobody has seen that key, and another one takes its place.
      await cp(next, join(directory, 'lost.key'));
      await writeFile(paths.trustBundle, oldBundle);
      const second = await beginRotation(paths, which, options);
      expect(second.next.id).not.toBe(first.next.id);
      expect((await readTrustBundle(paths)).keys.map(({ id }) => id)).not.toContain(first.next.id);
      // The bundle was written: from there on it is this key.
      await restart();
      expect(await beginRotation(paths, which, options)).toEqual(second);
      await installKey(paths, which, second);
      await restart();
      expect(await beginRotation(paths, which, options)).toEqual(second);
      await installKey(paths, which, second);
      await endRotation(paths, second, { root: await root(), until: until(which) });
      const ended = await readFile(paths.trustBundle);
      await endRotation(paths, second, { root: await root(), until: until(which) });
      expect(await readFile(paths.trustBundle)).toEqual(ended);
      expect(existsSync(next)).toBe(false);
      expect(rotationIn(await readTrustBundle(paths), which)).toBeUndefined();
      expect(rotationIn(await readTrustBundle(paths), which, true)?.next.id).toBe(second.next.id);
    },
  );

  it('of the log tells witnesses of both keys while it lasts, and of the new one alone afterwards', async () => {
    const before = await readPublicKeys(paths);
    const rotation = await beginRotation(paths, 'log', { root: await root(), from: 5 });
    const during = await readPublicKeys(paths);
    expect(during).toMatchObject({ log: before.log, logNext: expect.stringContaining('test.example/default/0+') });
    await endRotation(paths, rotation, { root: await root(), until: { size: 9 } });
    // The process died before the new key was put in place: the next start works with both files, and so does the command.
    await restart();
    await installKey(paths, 'log', rotation);
    expect(await readPublicKeys(paths)).toEqual({ root: before.root, log: during.logNext });
  });

  it('is refused without the root key of this deployment, and for a process that has no key', async () => {
    await expect(readRootKey(paths, paths.logKey)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    const options = { root: await root() };
    await expect(beginRotation(paths, { instance: 'pdp-9' }, options)).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
    });
    const elsewhere = join(directory, 'offline.key');
    await rename(paths.rootKey, elsewhere);
    await expect(readRootKey(paths, undefined)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    expect(await readRootKey(paths, elsewhere)).toMatchObject({ name: 'test.example/default/0/root' });
  });

  it('cannot go on when the key that the bundle names was lost, and a start refuses a key that was revoked', async () => {
    const stolen = await readFile(paths.producerKey('pdp-1'));
    await beginRotation(paths, PDP, { root: await root() });
    const lost = await readFile(paths.producerNextKey('pdp-1'));
    await rm(paths.producerNextKey('pdp-1'));
    await expect(beginRotation(paths, PDP, { root: await root() })).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    await writeFile(paths.producerNextKey('pdp-1'), lost, { mode: 0o600 });
    await whole(PDP);
    await writeFile(paths.producerKey('pdp-1'), stolen);
    await expect(restart()).rejects.toThrow(/has revoked the key/);
  });
});
