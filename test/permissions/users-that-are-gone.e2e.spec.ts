import { addAgent, deploymentServerConfig, removeAgent } from '#writ/deployment';
import { connectBus, createUserNkey, isBusError, type Bus } from '#writ/nats';
import { readFile, writeFile } from 'node:fs/promises';
import { startTestBus, testBusHost, type TestBus } from '../harness/bus.js';
import { prober } from './probe.js';

const host = await testBusHost();
const isRefused = (error: unknown) => isBusError(error, 'permission');

(host === undefined ? describe.skip : describe)('a user that is gone', () => {
  let bus: TestBus;
  beforeAll(async () => {
    bus = await startTestBus();
  }, 30_000);
  afterAll(() => bus[Symbol.asyncDispose]());

  const connectWith = (seed: string, user: string): Promise<Bus> =>
    connectBus({ servers: bus.url, seed, user, inboxPrefix: user === 'boot' ? '_INBOX_boot' : `_INBOX.${user}` });

  it('such as a boot user is refused after the reload, and its connection ends (BROKER-07)', async () => {
    const { deployment, running } = bus;
    const { paths } = deployment;
    const boot = { ledger: createUserNkey(), gateway: createUserNkey() };
    const publicKeys = { ledger: boot.ledger.publicKey, gateway: boot.gateway.publicKey };
    await writeFile(paths.natsConfig, await deploymentServerConfig(deployment, running.place, publicKeys));
    await running.server.reload();
    const live = await connectWith(boot.ledger.seed, 'boot');
    await live.request('$JS.API.STREAM.INFO.LEDGER', '', { timeoutMs: 2_000 });

    await running.applyAgents();
    await live.closed();
    for (const { seed } of [boot.ledger, boot.gateway]) {
      await expect(connectWith(seed, 'boot').catch(isRefused)).resolves.toBe(true);
    }
  });

  it('such as a removed agent is disconnected at once and refused, and nobody else notices (IDENTITY-02)', async () => {
    const { paths } = bus.deployment;
    await addAgent(paths, 'c', ['red']);
    await bus.running.applyAgents();
    const { seed } = JSON.parse(await readFile(paths.profile('c'), 'utf8')) as {
      seed: string;
    };
    const removed = await connectWith(seed, 'c');
    const other = await prober(bus, 'a');
    let reconnects = 0;
    other.bus.onReconnect(() => (reconnects += 1));

    await removeAgent(paths, 'c');
    await bus.running.applyAgents();
    await removed.closed();
    await expect(connectWith(seed, 'c').catch(isRefused)).resolves.toBe(true);
    expect(await other.mayPublish('req.a.tool.call')).toBe(true);
    expect(reconnects).toBe(0);
  });

  it('or never was one is refused', async () => {
    await expect(connectWith(createUserNkey().seed, 'a').catch(isRefused)).resolves.toBe(true);
  });
});
