import { WritConfig } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import {
  formatVkey,
  openTrustBundle,
  parseSigningKey,
  SigningKey,
  signTrustBundle,
  witnessesOf,
  witnessKeyOf,
} from '#writ/signing';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addAgent, listAgents, readProfile, removeAgent, setBusUrl } from './agents.js';
import { readAccessTokens } from './access-tokens.js';
import { openDeployment } from './deployment.js';
import { deploymentPaths, type DeploymentPaths } from './paths.js';

const CONFIG = { version: 1, ledger: 'test.example/default/0', agents: { a: { teams: ['red'] }, b: {} } };

describe('a data directory', () => {
  let dataDir: string;
  let paths: DeploymentPaths;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'writ-data-'));
    paths = deploymentPaths(dataDir);
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  const open = (config: object = {}) => openDeployment({ dataDir, config: WritConfig.parse({ ...CONFIG, ...config }) });
  const openAndClose = async (config: object = {}) => (await open(config)).close();
  const faultOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'nothing',
      (error: unknown) => (error instanceof Fault ? error.code : String(error)),
    );
  const filesOf = async () =>
    (await readdir(dataDir, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  it('is made at the first start, for its owner alone, and is the same at the next', async () => {
    await openAndClose();
    const files = await filesOf();
    for (const file of files) expect([file, (await stat(file)).mode & 0o077]).toEqual([file, 0]);
    const before = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    await openAndClose();
    expect(await Promise.all((await filesOf()).map((file) => readFile(file, 'utf8')))).toEqual(before);
  });

  it('has a trust bundle that gives each key its own producers', async () => {
    await openAndClose({ shards: 2, instances: { policyDecision: 2 } });
    const vkey = (await readFile(paths.rootVkey, 'utf8')).trim();
    const bundle = openTrustBundle(await readFile(paths.trustBundle, 'utf8'), vkey);
    expect(bundle.keys.map(({ name, role, producers }) => [name, role, producers])).toEqual([
      ['pdp-1', 'pdp', ['pdp-0', 'pdp-1']],
      ['pdp-2', 'pdp', ['pdp-0', 'pdp-1']],
      ['exec-tool-1', 'tool-executor', ['exec-tool-1']],
      ['exec-memory-1', 'memory-executor', ['exec-memory-1']],
      ['exec-egress-1', 'egress-executor', ['exec-egress-1']],
      ['ledger-1', 'ledger', ['ledger']],
      ['operator', 'operator', ['operator']],
      ['test.example/default/0', 'log', []],
    ]);
  });

  it('of an earlier release gets a trust bundle with the types of entries of this one, which takes the root key', async () => {
    await openAndClose();
    const vkey = (await readFile(paths.rootVkey, 'utf8')).trim();
    const typesOf = async () =>
      openTrustBundle(await readFile(paths.trustBundle, 'utf8'), vkey).keys.find(({ name }) => name === 'pdp-1')?.types;
    const bundle = openTrustBundle(await readFile(paths.trustBundle, 'utf8'), vkey);
    const keys = bundle.keys.map((key) => ({
      ...key,
      types: key.types.filter((type) => type !== 'policy.divergence'),
    }));
    const root = await readFile(paths.rootKey, 'utf8');
    await writeFile(paths.trustBundle, signTrustBundle(parseSigningKey(root), { ...bundle, keys }));
    expect(await typesOf()).not.toContain('policy.divergence');
    await rm(paths.rootKey);
    expect(await faultOf(openAndClose())).toBe('CONFIG_KEY');
    await writeFile(paths.rootKey, root, { mode: 0o600 });
    await openAndClose();
    expect(await typesOf()).toContain('policy.divergence');
  });

  it('has the vkey of its log for witnesses; one of an earlier release gets it at the next start', async () => {
    await openAndClose();
    const text = await readFile(paths.logVkey, 'utf8');
    const { name, verifyKey } = parseSigningKey(await readFile(paths.logKey, 'utf8'));
    expect(text).toBe(`${formatVkey({ name, key: verifyKey })}\n`);
    await rm(paths.logVkey);
    await openAndClose();
    expect(await readFile(paths.logVkey, 'utf8')).toBe(text);
  });

  it('has a token for each client of the access API, which is made anew when its file was removed', async () => {
    const config = { authzen: { clients: { gateway: {}, auditor: {} } } };
    await openAndClose(config);
    const before = await readAccessTokens(paths, ['gateway', 'auditor']);
    expect(new Set(before.values()).size).toBe(2);
    expect((await stat(paths.accessToken('gateway'))).mode & 0o777).toBe(0o600);
    await rm(paths.accessToken('gateway'));
    await openAndClose(config);
    const after = await readAccessTokens(paths, ['gateway', 'auditor']);
    expect(after.get('gateway')).not.toBe(before.get('gateway'));
    expect(after.get('auditor')).toBe(before.get('auditor'));
    await chmod(paths.accessToken('gateway'), 0o644);
    expect(await faultOf(readAccessTokens(paths, ['gateway']))).toBe('CONFIG_KEY');
    await chmod(paths.accessToken('auditor'), 0o600);
    await writeFile(paths.accessToken('auditor'), 'short\n');
    expect(await faultOf(readAccessTokens(paths, ['auditor']))).toBe('CONFIG_KEY');
  });

  it('is used by one process at a time, and the lock of a dead one does not count', async () => {
    const first = await open();
    expect(await faultOf(open())).toBe('CONFIG_DATA_DIR_LOCKED');
    await first.close();
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', 'console.log(process.pid)']);
    await writeFile(paths.lock, `${stdout.trim()} 1 x\n`);
    await openAndClose();
    // The number of a dead process may belong to another one by now: it started at another time.
    await writeFile(paths.lock, `${process.pid} 1 x\n`);
    await openAndClose();
  });

  it('gets keys for added instances, signed by the root, and keeps the earlier ones', async () => {
    await openAndClose();
    const pdp1 = await readFile(paths.producerKey('pdp-1'), 'utf8');
    await openAndClose({ instances: { policyDecision: 2 } });
    expect(await readFile(paths.producerKey('pdp-1'), 'utf8')).toBe(pdp1);
    const vkey = (await readFile(paths.rootVkey, 'utf8')).trim();
    const bundle = openTrustBundle(await readFile(paths.trustBundle, 'utf8'), vkey);
    expect(bundle.keys.map(({ name }) => name)).toEqual(expect.arrayContaining(['pdp-1', 'pdp-2']));
    await rm(paths.rootKey);
    await openAndClose({ instances: { policyDecision: 2 } });
    expect(await faultOf(open({ instances: { policyDecision: 3 } }))).toBe('CONFIG_KEY');
  });

  it('names the witnesses of the configuration in the bundle, which takes the root key to change', async () => {
    const vkeys = [11, 12].map((fill) =>
      formatVkey(witnessKeyOf(new SigningKey(`witness.example/w${fill}`, Buffer.alloc(32, fill)))),
    );
    const witnesses = vkeys.map((vkey, at) => ({ name: `witness.example/w${11 + at}`, vkey, url: `http://w${at}` }));
    const policyNow = async () => {
      const vkey = (await readFile(paths.rootVkey, 'utf8')).trim();
      const { quorum, witnesses: named } = witnessesOf(
        openTrustBundle(await readFile(paths.trustBundle, 'utf8'), vkey),
      );
      return { quorum, names: named.map(({ name }) => name) };
    };
    await openAndClose();
    expect(await policyNow()).toEqual({ quorum: 0, names: [] });
    await openAndClose({ witnesses });
    expect(await policyNow()).toEqual({ quorum: 2, names: ['witness.example/w11', 'witness.example/w12'] });
    await openAndClose({ witnesses: witnesses.slice(1), witnessQuorum: 1 });
    expect(await policyNow()).toEqual({ quorum: 1, names: ['witness.example/w12'] });
    await rm(paths.rootKey);
    await openAndClose({ witnesses: witnesses.slice(1), witnessQuorum: 1 });
    expect(await faultOf(open())).toBe('CONFIG_KEY');
  });

  it.each([
    ['a missing producer key', (p: DeploymentPaths) => rm(p.producerKey('pdp-1'))],
    ['a missing bus seed', (p: DeploymentPaths) => rm(p.natsSeed('watch'))],
    ['a missing trust bundle', (p: DeploymentPaths) => rm(p.trustBundle)],
    ['a damaged producer key', (p: DeploymentPaths) => writeFile(p.producerKey('pdp-1'), 'nonsense')],
    ['a damaged bus seed', (p: DeploymentPaths) => writeFile(p.natsSeed('pdp-1'), 'SUAAAA')],
    ['a short payload key', (p: DeploymentPaths) => writeFile(p.payloadKey, 'abcd')],
    [
      'the vkey of another key in place of that of its log',
      async (p: DeploymentPaths) => writeFile(p.logVkey, await readFile(p.rootVkey, 'utf8')),
    ],
    ['a key that others may read', (p: DeploymentPaths) => chmod(p.producerKey('operator'), 0o640)],
    [
      'a changed trust bundle',
      async (p: DeploymentPaths) =>
        writeFile(p.trustBundle, (await readFile(p.trustBundle, 'utf8')).replace('"pdp"', '"log"')),
    ],
    [
      'the key of one instance in place of another',
      async (p: DeploymentPaths) =>
        writeFile(p.producerKey('pdp-1'), await readFile(p.producerKey('exec-tool-1'), 'utf8')),
    ],
  ])('with %s is refused as CONFIG_KEY', async (_, damage) => {
    await openAndClose();
    await damage(paths);
    expect(await faultOf(open())).toBe('CONFIG_KEY');
    // The lock is not left behind.
    expect(await faultOf(open())).toBe('CONFIG_KEY');
  });

  it('names the damaged file and never what is in it', async () => {
    await openAndClose();
    await writeFile(paths.natsSeed('pdp-1'), 'SUSECRETSECRET');
    await expect(open()).rejects.toThrow(new RegExp(`${paths.natsSeed('pdp-1')}.*damaged`));
    await expect(open()).rejects.not.toThrow(/SECRET/);
  });

  it.each([
    ['a damaged registry', 'CONFIG_DATA_DIR_CORRUPT', (p: DeploymentPaths) => writeFile(p.agentsFile, '{')],
    ['a missing registry', 'CONFIG_DATA_DIR_CORRUPT', (p: DeploymentPaths) => rm(p.agentsFile)],
    ['a damaged deployment file', 'CONFIG_DATA_DIR_CORRUPT', (p: DeploymentPaths) => writeFile(p.deploymentFile, '')],
  ])('with %s is refused as %s', async (_, code, damage) => {
    await openAndClose();
    await damage(paths);
    expect(await faultOf(open())).toBe(code);
  });

  it('with streams but without its deployment file is not started afresh', async () => {
    await openAndClose();
    await mkdir(paths.natsStore, { recursive: true });
    await rm(paths.deploymentFile);
    expect(await faultOf(open())).toBe('CONFIG_DATA_DIR_CORRUPT');
  });

  it('whose first start died halfway is made again', async () => {
    await openAndClose();
    await rm(paths.deploymentFile);
    await rm(paths.trustBundle);
    await openAndClose();
    expect(await faultOf(openAndClose())).toBe('nothing');
  });

  it('of another ledger, tenant or shard count is refused', async () => {
    await openAndClose();
    expect(await faultOf(open({ ledger: 'other.example/default/0' }))).toBe('CONFIG_DATA_DIR');
    expect(await faultOf(open({ tenant: 'other' }))).toBe('CONFIG_DATA_DIR');
    expect(await faultOf(open({ shards: 2 }))).toBe('CONFIG_DATA_DIR');
  });

  it('that cannot be made is refused', async () => {
    await writeFile(join(dataDir, 'file'), '');
    const config = WritConfig.parse(CONFIG);
    expect(await faultOf(openDeployment({ dataDir: join(dataDir, 'file', 'x'), config }))).toBe('CONFIG_DATA_DIR');
  });

  it('holds a profile for each agent of the configuration, and teams as they are configured now', async () => {
    await openAndClose();
    const profile = await readProfile(paths, 'a');
    expect(profile).toMatchObject({ url: 'nats://127.0.0.1:4222', name: 'a', inboxPrefix: '_INBOX.a' });
    expect(await listAgents(paths)).toMatchObject([
      { name: 'a', teams: ['red'] },
      { name: 'b', teams: [] },
    ]);
    await openAndClose({ agents: { a: { teams: ['blue'] }, b: {} } });
    expect(await listAgents(paths)).toMatchObject([{ name: 'a', teams: ['blue'] }, { name: 'b' }]);
    expect(await readProfile(paths, 'a')).toEqual(profile);
  });

  it('takes added agents, refuses a name twice, and forgets removed ones for good', async () => {
    await openAndClose();
    expect(await addAgent(paths, 'c', ['red'])).toBe(paths.profile('c'));
    expect(await faultOf(addAgent(paths, 'c', []))).toBe('CONFIG_NAME_TAKEN');
    await removeAgent(paths, 'a');
    expect(await faultOf(readProfile(paths, 'a'))).toBe('CONFIG_NOT_FOUND');
    expect(await faultOf(removeAgent(paths, 'a'))).toBe('CONFIG_NOT_FOUND');
    await openAndClose();
    expect((await listAgents(paths)).map(({ name }) => name)).toEqual(['b', 'c']);
    await addAgent(paths, 'a', []);
    expect((await listAgents(paths)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it.each(['*', '>', 'a.>', 'x.y', '', '../x', 'A', 'a b'])('takes no agent called %j (IDENTITY-04)', async (name) => {
    await openAndClose();
    expect(await faultOf(addAgent(paths, name, []))).toBe('INPUT_BAD_NAME');
    expect(await faultOf(addAgent(paths, 'good', [name]))).toBe('INPUT_BAD_NAME');
    expect(await faultOf(removeAgent(paths, name))).toBe('INPUT_BAD_NAME');
  });

  it('takes changes from several processes without losing one', async () => {
    await openAndClose();
    const names = Array.from({ length: 10 }, (_, n) => `agent-${n}`);
    await Promise.all(names.map((name) => addAgent(paths, name, [])));
    expect((await listAgents(paths)).map(({ name }) => name)).toEqual(['a', ...names, 'b']);
  });

  it('writes the address of the bus into every profile', async () => {
    await openAndClose();
    const { seed } = await readProfile(paths, 'b');
    await setBusUrl(paths, 'nats://127.0.0.1:9999');
    expect(await readProfile(paths, 'b')).toMatchObject({ url: 'nats://127.0.0.1:9999', seed });
    await addAgent(paths, 'c', []);
    expect(await readProfile(paths, 'c')).toMatchObject({ url: 'nats://127.0.0.1:9999' });
  });
});
