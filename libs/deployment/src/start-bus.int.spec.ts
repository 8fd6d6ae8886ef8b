import { Fault } from '#writ/faults';
import { connectBus, isBusError, publishToStream, StreamReader } from '#writ/nats';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestBus, testBusHost } from '../../../test/harness/bus.js';
import { addAgent, readProfile } from './agents.js';

const host = await testBusHost();
const bytes = (text: string) => new TextEncoder().encode(text);

(host === undefined ? describe.skip : describe)('the bus of a deployment', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = join(await mkdtemp(join(tmpdir(), 'writ-start-')), 'a folder');
  });
  afterEach(() => rm(join(dataDir, '..'), { recursive: true, force: true }));

  it('keeps its streams from one start to the next, and lets them grow', async () => {
    {
      await using bus = await startTestBus({ dataDir });
      const pdp = await bus.connect('pdp-1');
      await publishToStream(pdp, 'ledger.block.pdp-0', bytes('kept'), { msgId: '1', timeoutMs: 2_000 });
    }
    await using bus = await startTestBus({
      dataDir,
      config: { limits: { ledgerBytesMax: 200_000_000, payloadBytesMax: 100_000_000, payloadDays: 60 } },
    });
    const reader = new StreamReader(await bus.connect('pdp-1'), { apiPrefix: 'LEDGER.API' });
    expect((await reader.lastOnSubject('LEDGER', 'ledger.block.pdp-0'))?.seq).toBe(1);
    expect((await reader.info('LEDGER')).config).toMatchObject({ max_bytes: 200_000_000 });
    expect((await reader.info('PAYLOADS')).config).toMatchObject({ max_age: 60 * 86_400_000_000_000 });
  });

  it('does not start when a stream would have to be cut to fit', async () => {
    await (await startTestBus({ dataDir }))[Symbol.asyncDispose]();
    const smaller = { limits: { ledgerBytesMax: 50_000_000, payloadBytesMax: 100_000_000 } };
    const fault: unknown = await startTestBus({ dataDir, config: smaller }).catch((error: unknown) => error);
    expect(fault instanceof Fault && fault.code).toBe('CONFIG_DATA_DIR_CORRUPT');
    // Nothing was left running: the next start finds the directory free.
    await (await startTestBus({ dataDir }))[Symbol.asyncDispose]();
  });

  it('leaves no user behind that could change a stream', async () => {
    await using bus = await startTestBus({ dataDir });
    expect(await readFile(bus.deployment.paths.natsConfig, 'utf8')).not.toMatch(/STREAM\.(CREATE|UPDATE)/);
  });

  it('loses the beginning of the ledger and nothing else, while somebody writes, and is as it was afterwards', async () => {
    await using bus = await startTestBus({ dataDir });
    const pdp = await bus.connect('pdp-1');
    const reader = new StreamReader(pdp, { apiPrefix: 'LEDGER.API' });
    const stored: number[] = [];
    const write = async () => {
      const options = { msgId: `m${stored.length}`, timeoutMs: 2_000 };
      // The stream takes nothing for a moment, which a writer answers by trying again.
      const ack = await publishToStream(pdp, 'ledger.block.pdp-0', bytes('block'), options).catch(() => undefined);
      if (ack !== undefined) stored.push(ack.seq);
    };
    while (stored.length < 30) await write();
    const before = await reader.info('LEDGER');
    const ended = new AbortController();
    const writing = (async () => {
      while (!ended.signal.aborted) await write();
    })();
    await expect(bus.running.trimLedger(21)).resolves.toBe(21);
    ended.abort();
    await writing;
    const { config, state } = await reader.info('LEDGER');
    expect(config).toEqual(before.config);
    expect([state.first_seq, state.last_seq, state.messages]).toEqual([21, stored.length, stored.length - 20]);
    expect(await readFile(bus.deployment.paths.natsConfig, 'utf8')).not.toMatch(/STREAM\.(CREATE|UPDATE)/);
    await expect(bus.running.trimLedger(5)).resolves.toBe(21);
    await expect(bus.running.trimLedger(stored.length + 1)).rejects.toMatchObject({ code: 'LEDGER_INTEGRITY' });
    expect((await reader.info('LEDGER')).config).toEqual(before.config);
  });

  it('writes its address into the profiles, and takes an agent that another process adds', async () => {
    await using bus = await startTestBus({ dataDir });
    const { paths } = bus.deployment;
    expect((await readProfile(paths, 'a')).url).toBe(bus.url);
    await addAgent(paths, 'late', []);
    const profile = await readProfile(paths, 'late');
    const deadline = performance.now() + 5_000;
    for (;;) {
      try {
        const late = await connectBus({
          servers: profile.url,
          seed: profile.seed,
          user: 'late',
          inboxPrefix: '_INBOX.late',
        });
        await late.close();
        break;
      } catch (error) {
        if (!isBusError(error, 'permission') || performance.now() > deadline) throw error;
      }
    }
  });

  it('brings an agent answers larger than what it may send itself', async () => {
    await using bus = await startTestBus({ dataDir });
    const pdp = await bus.connect('pdp-1');
    const agent = await bus.connect('a');
    pdp.subscribe('decide.0.>', {
      queue: 'pdp',
      onMessage: ({ reply }) => pdp.publish(reply ?? '', new Uint8Array(300_000)),
    });
    await pdp.flush();
    expect((await agent.request('req.a.tool.call', '{}', { timeoutMs: 5_000 })).data.length).toBe(300_000);
    const tooLarge = agent.request('req.a.tool.call', new Uint8Array(70_000), { timeoutMs: 5_000 });
    await expect(tooLarge.catch((error: unknown) => isBusError(error))).resolves.toBe(true);
  });

  it('gives a request without an owner of its shard an answer at once', async () => {
    await using bus = await startTestBus({ dataDir });
    const agent = await bus.connect('a');
    const started = performance.now();
    const request = agent.request('req.a.tool.call', '{}', { timeoutMs: 5_000 });
    await expect(request.catch((error: unknown) => isBusError(error, 'no-responders'))).resolves.toBe(true);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('sends each agent to one shard, whatever it asks', async () => {
    await using bus = await startTestBus({ dataDir, config: { shards: 4 } });
    const pdp = await bus.connect('pdp-1');
    const shards = new Map<string, Set<string>>();
    for (let shard = 0; shard < 4; shard += 1) {
      pdp.subscribe(`decide.${shard}.>`, {
        queue: 'pdp',
        onMessage: ({ subject }) => {
          const [, owner, , agent] = subject.split('.') as [string, string, string, string];
          shards.set(agent, (shards.get(agent) ?? new Set()).add(owner));
        },
      });
    }
    await pdp.flush();
    for (const name of ['a', 'b']) {
      const agent = await bus.connect(name);
      for (const operation of ['tool.call', 'memory.query', 'egress.fetch', 'x.y.z']) {
        agent.publish(`req.${name}.${operation}`, '{}');
      }
      await agent.flush();
    }
    await pdp.flush();
    expect([...shards.values()].map(({ size }) => size)).toEqual([1, 1]);
  });
});
