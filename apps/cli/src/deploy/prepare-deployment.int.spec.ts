import { type NatsServer, startNatsServer } from '#writ/nats';
import { ledgerMessages, ledgerStatus, openOperator, recordIdentities } from '#writ/operator';
import { secretPlace, SecretStore } from '#writ/secrets';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testNatsServer } from '../../../../test/harness/nats-server.js';
import { prepareDeployment } from './prepare-deployment.js';
import { recordDeployment } from './record-deployment.js';

const binary = await testNatsServer();
const CONFIG = 'version: 1\nledger: test/default/0\nagents: { support: { teams: [staff] } }\n';

(binary === undefined ? describe.skip : describe)('prepareDeployment', () => {
  let directory: string;
  const at = (...path: string[]) => join(directory, ...path);
  const prepare = (provision = false) =>
    prepareDeployment(
      {
        config: at('writ.yaml'),
        dataDir: at('data'),
        outDir: at('out'),
        listen: '127.0.0.1:-1',
        store: at('data', 'nats', 'store'),
        agentUrl: 'nats://bus.example:4222',
        provision,
      },
      () => undefined,
    );
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-prepare-'));
    process.env['WRIT_NATS_SERVER'] = binary;
    await writeFile(at('writ.yaml'), CONFIG);
  });
  afterEach(async () => {
    delete process.env['WRIT_NATS_SERVER'];
    await rm(directory, { recursive: true, force: true });
  });

  it('gives each instance its own keys and nobody else’s', async () => {
    const { instances, provisioned } = await prepare();
    expect({ instances, provisioned }).toEqual({
      instances: ['pdp-1', 'exec-tool-1', 'exec-memory-1', 'exec-egress-1', 'ledger-1', 'operator'],
      provisioned: true,
    });
    const files = (await readdir(at('out'), { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
    const held = files.map((file) => join(file.parentPath, file.name).slice(at('out').length + 1)).toSorted();
    expect(held.filter((file) => file.startsWith('exec-tool-1/'))).toEqual([
      'exec-tool-1/keys/nats/exec-tool-1.nk',
      'exec-tool-1/keys/payload.key',
      'exec-tool-1/keys/producers/exec-tool-1.key',
      'exec-tool-1/keys/root.vkey',
      'exec-tool-1/keys/trust.bundle',
    ]);
    expect(held.filter((file) => file.endsWith('log.key'))).toEqual(['ledger-1/keys/log.key']);
    expect(held.filter((file) => file.startsWith('ledger-1/') && file.includes('payload'))).toEqual([]);
    expect(held).toContain('operator/keys/log.vkey');
    expect(held.filter((file) => file.includes('root.key') || file.includes('boot'))).toEqual([]);
    for (const file of held) expect((await stat(at('out', file))).mode & 0o077).toBe(0);
    expect(JSON.parse(await readFile(at('data', 'agents', 'support.json'), 'utf8'))).toMatchObject({
      url: 'nats://bus.example:4222',
    });
  });

  it('hands the store of secrets to the executors, which open it, and its changes to the operator, who puts them on record', async () => {
    const { file, identity } = secretPlace({}, { baseDirectory: at('data'), dataDir: at('data') });
    const store = new SecretStore({ file, identity });
    await store.set('slack', 'tok-4f9d1c7b2a6e', new Date());
    await prepare();
    const placeOf = (name: string) => secretPlace({}, { baseDirectory: at('out', name), dataDir: at('out', name) });
    const valueIn = async (name: string) => (await new SecretStore(placeOf(name)).values('slack', new Date()))?.current;
    // Again after a change and another key: what is handed over is what counts now.
    await store.rotate('slack', 'tok-8053d1aa90ce', { now: new Date(), keepUntil: new Date() });
    await store.rekey(new Date());
    await prepare();
    for (const name of ['exec-tool-1', 'exec-memory-1', 'exec-egress-1'])
      await expect(valueIn(name)).resolves.toBe('tok-8053d1aa90ce');
    for (const name of ['pdp-1', 'ledger-1']) expect(existsSync(placeOf(name).file)).toBe(false);
    expect([existsSync(placeOf('operator').file), existsSync(placeOf('operator').identity)]).toEqual([true, false]);
    const server = await startThere(at('out', 'nats', 'nats-server.conf'));
    try {
      // Twice, and recorded once.
      const record = () => recordDeployment(at('out', 'operator'), server.url);
      await expect(record()).resolves.toMatchObject({ identities: [{ who: { agent: 'support' } }], secrets: 3 });
      await expect(record()).resolves.toMatchObject({ identities: [], secrets: 3 });
      const operator = await openOperator({ dataDir: at('out', 'operator'), url: server.url });
      const recorded: string[] = [];
      for await (const { data } of ledgerMessages(operator.blocks))
        recorded.push(
          ...(Buffer.from(data)
            .toString()
            .match(/credential\.[a-z]+/g) ?? []),
        );
      await operator.close();
      expect(recorded).toEqual(['credential.set', 'credential.rotated', 'credential.rekeyed']);
    } finally {
      await server.stop();
    }
  });

  it('leaves no user that could create a stream, and streams that the services’ server has', async () => {
    await prepare();
    const configFile = at('out', 'nats', 'nats-server.conf');
    expect(await readFile(configFile, 'utf8')).not.toMatch(/STREAM\.(CREATE|UPDATE)/);
    const server = await startThere(configFile);
    try {
      const operator = await openOperator({ dataDir: at('out', 'operator'), url: server.url });
      const recorded = await recordIdentities(operator);
      const { streams } = await ledgerStatus(operator);
      await operator.close();
      expect(recorded).toMatchObject([{ type: 'agent.identity.issued', who: { agent: 'support' } }]);
      expect(streams.map(({ stream }) => stream)).toEqual(['LEDGER', 'PAYLOADS', 'PAYLOAD_KEYS']);
    } finally {
      await server.stop();
    }
  });

  it('does nothing twice, and changes streams only when told that no server runs on them', async () => {
    await prepare();
    const bundle = await readFile(at('out', 'pdp-1', 'keys', 'trust.bundle'), 'utf8');
    await expect(prepare()).resolves.toMatchObject({ provisioned: false });
    expect(await readFile(at('out', 'pdp-1', 'keys', 'trust.bundle'), 'utf8')).toBe(bundle);
    await writeFile(at('writ.yaml'), `${CONFIG}limits: { ledgerBytesMax: 20000000000 }\n`);
    await expect(prepare()).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
    await expect(prepare(true)).resolves.toMatchObject({ provisioned: true });
  });

  it('gives a sink that comes later its exporter, and its consumer only when no server runs on the streams', async () => {
    await prepare();
    await writeFile(at('writ.yaml'), `${CONFIG}siem: { sinks: [{ name: lake, kind: stdout }] }\n`);
    await expect(prepare()).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
    const { instances } = await prepare(true);
    expect(instances).toContain('siem-1');
    expect(await readFile(at('out', 'nats', 'nats-server.conf'), 'utf8')).toContain('siem-lake');
    expect(await readdir(at('data', 'nats', 'store'), { recursive: true })).toContainEqual(
      expect.stringMatching(/SEALED\/obs\/siem-lake$/),
    );
  });

  /** The server as its container runs it, save that this process has to find its port. */
  async function startThere(configFile: string): Promise<NatsServer> {
    const [portsDir, logFile] = [at('ports'), at('nats.log')];
    await appendFile(configFile, `ports_file_dir: "${portsDir}"\nlog_file: "${logFile}"\n`);
    return startNatsServer({ binary: binary ?? '', configFile, portsDir, logFile });
  }
});
