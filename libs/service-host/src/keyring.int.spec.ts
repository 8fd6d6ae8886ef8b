import { WritConfig } from '#writ/catalogue';
import {
  beginRotation,
  deploymentPaths,
  type DeploymentPaths,
  endRotation,
  installKey,
  openDeployment,
  readRootKey,
} from '#writ/deployment';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Keyring } from './keyring.js';

const CONFIG = WritConfig.parse({ version: 1, ledger: 'test.example/default/0', agents: {} });
const PDP = { instance: 'pdp-1' };

describe('the keys of a service', () => {
  let dataDir: string;
  let paths: DeploymentPaths;
  let told: string[];

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'writ-keyring-'));
    paths = deploymentPaths(dataDir);
    told = [];
    await (await openDeployment({ dataDir, config: CONFIG })).close();
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  const open = () => {
    const tell = ({ detail }: Record<string, unknown>, message: string) =>
      told.push(`${message} ${String(detail ?? '')}`);
    return Keyring.open({ paths, instance: 'pdp-1', log: { info: () => undefined, error: tell } });
  };
  const root = () => readRootKey(paths, undefined);

  it('are those of the files, without a restart: first the bundle, then the key', async () => {
    const keyring = await open();
    const before = keyring.key().id;
    const rotation = await beginRotation(paths, PDP, { root: await root() });
    await keyring.refresh();
    expect([keyring.details, keyring.authority().keyOf(rotation.next.id)?.name]).toEqual([
      { key: before, bundle: 2 },
      'pdp-1',
    ]);
    await installKey(paths, PDP, rotation);
    await keyring.refresh();
    expect(keyring.key().id).toBe(rotation.next.id);
    expect(told).toEqual([]);
  });

  it('are not said to be in use while a block under the old key is on its way', async () => {
    const keyring = await open();
    const before = keyring.key().id;
    let inFlight: string | undefined = before;
    const done = keyring.awaitWriter(() => inFlight);
    const rotation = await beginRotation(paths, PDP, { root: await root() });
    await installKey(paths, PDP, rotation);
    await keyring.refresh();
    expect([keyring.key().id, keyring.details.key]).toEqual([rotation.next.id, before]);
    inFlight = undefined;
    expect(keyring.details.key).toBe(rotation.next.id);
    inFlight = before;
    done();
    expect(keyring.details.key).toBe(rotation.next.id);
  });

  it('are not taken from an older bundle, which would let a revoked key count again', async () => {
    const old = await readFile(paths.trustBundle);
    const keyring = await open();
    await beginRotation(paths, PDP, { root: await root() });
    await keyring.refresh();
    await writeFile(paths.trustBundle, old);
    await keyring.refresh();
    await keyring.refresh();
    expect(keyring.authority().version).toBe(2);
    expect(told).toEqual([expect.stringContaining('the trust bundle has version 1; 2 is in use')]);
    expect(keyring.details).toMatchObject({ bundle: 2, keyProblem: expect.stringContaining('version 1') });
  });

  it('sign nothing more when the bundle ends the key and no other one is here', async () => {
    const stolen = await readFile(paths.producerKey('pdp-1'));
    const keyring = await open();
    const rotation = await beginRotation(paths, PDP, { root: await root() });
    await endRotation(paths, rotation, { root: await root(), until: { seq: 1, size: 1 } });
    await keyring.refresh();
    expect(() => keyring.key()).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
    expect(told).toEqual([expect.stringContaining('was revoked')]);
    await installKey(paths, PDP, rotation);
    await keyring.refresh();
    expect(keyring.key().id).toBe(rotation.next.id);
    await writeFile(paths.producerKey('pdp-1'), stolen);
    await expect(open()).rejects.toMatchObject({ code: 'CONFIG_KEY' });
  });

  it('stay as they were when a file is damaged or belongs to somebody else, and that is told', async () => {
    const keyring = await open();
    const { id } = keyring.key();
    await writeFile(paths.producerKey('pdp-1'), await readFile(paths.producerKey('exec-tool-1')));
    await keyring.refresh();
    await writeFile(paths.trustBundle, 'rubbish');
    await keyring.refresh();
    expect(keyring.details).toMatchObject({ key: id, bundle: 1 });
    expect(told).toEqual([expect.stringContaining('does not know the key'), expect.stringContaining('is damaged')]);
  });
});
