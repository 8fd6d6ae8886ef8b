import { isStreamError, publishToStream, StreamReader, type Bus, type BusMessage } from '#writ/nats';
import { startTestBus, testBusHost, type TestBus } from '../harness/bus.js';
import { prober, SINKS } from './probe.js';

const host = await testBusHost();
const bytes = (text: string) => new TextEncoder().encode(text);

(host === undefined ? describe.skip : describe)('a header', () => {
  let bus: TestBus;
  let pdp: Bus;
  let executor: Bus;
  let ledger: StreamReader;
  beforeAll(async () => {
    bus = await startTestBus({ config: SINKS });
    pdp = await bus.connect('pdp-1');
    executor = await bus.connect('exec-tool-1');
    ledger = new StreamReader(await bus.connect('operator'), { apiPrefix: '$JS.API' });
  }, 30_000);
  afterAll(() => bus[Symbol.asyncDispose]());

  const store = (connection: Bus, subject: string, msgId: string) =>
    publishToStream(connection, subject, bytes(msgId), { msgId, timeoutMs: 2_000 });

  it.each([
    ['Nats-Rollup', 'all', 'ledger.block.pdp-0', 'BROKER-10'],
    ['Nats-Rollup', 'sub', 'ledger.block.pdp-0', 'BROKER-10'],
    ['Nats-Rollup', 'all', 'payload.pdp-0', 'BROKER-10'],
    ['Nats-Rollup', 'all', 'cmd.tool.once.default', 'BROKER-10'],
    ['Nats-TTL', '1s', 'ledger.block.pdp-0', 'BROKER-11'],
    ['Nats-TTL', '1s', 'cmd.tool.once.default', 'BROKER-11'],
  ])('%s: %s on %s of a producer is refused and takes nothing away (%4$s)', async (name, value, subject) => {
    const stream = subject.startsWith('cmd') ? 'COMMANDS' : subject.startsWith('payload') ? 'PAYLOADS' : 'LEDGER';
    const reader = stream === 'COMMANDS' ? new StreamReader(pdp, { apiPrefix: '$JS.API' }) : ledger;
    await store(pdp, subject, `${name} ${value} ${subject}`);
    const before = (await reader.info(stream)).state;
    const answer = await pdp.request(subject, 'evil', { timeoutMs: 2_000, headers: { [name]: value } });
    expect(new TextDecoder().decode(answer.data)).toContain('"error"');
    const { messages, first_seq, last_seq } = (await reader.info(stream)).state;
    expect({ messages, first_seq, last_seq }).toEqual({
      messages: before.messages,
      first_seq: before.first_seq,
      last_seq: before.last_seq,
    });
  });

  it.each(['Nats-Rollup', 'Nats-TTL', 'Nats-Msg-Id', 'Nats-Expected-Stream'])(
    '%s of an agent has nothing to work on (BROKER-10, BROKER-11, BROKER-12)',
    async (name) => {
      const { mayPublish } = await prober(bus, 'b');
      const before = (await ledger.info('LEDGER')).state.messages;
      for (const subject of ['ledger.block.pdp-0', 'cmd.tool.once.default', 'payload.pdp-0']) {
        expect(await mayPublish(subject, 'evil', { [name]: 'all' })).toBe(false);
      }
      expect(await mayPublish('req.b.tool.call', 'evil', { [name]: 'all' })).toBe(true);
      expect((await ledger.info('LEDGER')).state.messages).toBe(before);
    },
  );

  it('Nats-Msg-Id that another producer used first shows as a duplicate of a foreign sequence (BROKER-12)', async () => {
    const stolen = await store(executor, 'ledger.block.exec-tool-1', 'the id of a genuine block');
    const genuine = await store(pdp, 'ledger.block.pdp-0', 'the id of a genuine block');
    // The writer is told; it must look at its own subject before it takes a duplicate for its own block.
    expect(genuine).toEqual({ seq: stolen.seq, duplicate: true });
    expect((await ledger.message('LEDGER', genuine.seq))?.subject).toBe('ledger.block.exec-tool-1');
  });

  it('Nats-Expected-Last-Subject-Sequence fences a second writer', async () => {
    const last = (await ledger.lastOnSubject('LEDGER', 'ledger.block.pdp-0'))?.seq ?? 0;
    const options = { expectLastSubjectSeq: last, timeoutMs: 2_000 };
    await publishToStream(pdp, 'ledger.block.pdp-0', bytes('first'), { ...options, msgId: 'first' });
    const second = publishToStream(pdp, 'ledger.block.pdp-0', bytes('second'), { ...options, msgId: 'second' });
    await expect(second.catch((error: unknown) => isStreamError(error, 'wrong-last-sequence'))).resolves.toBe(true);
  });

  it.each(['cmd.tool.once.default', 'ledger.block.pdp-0', 'lease.pdp.0', '_INBOX.a.x', '_INBOX_pdp-1.x'])(
    'Nats-Trace-Dest: %s of an agent sends nothing there (BROKER-06)',
    async (destination) => {
      const heard: string[] = [];
      const ears = { 'pdp-1': ['lease.pdp.*', '_INBOX_pdp-1.x'], a: ['_INBOX.a.>'] };
      for (const [user, subjects] of Object.entries(ears)) {
        const ear = await bus.connect(user);
        for (const subject of subjects) ear.subscribe(subject, { onMessage: (message) => heard.push(message.subject) });
        await ear.flush();
      }
      const commands = new StreamReader(pdp, { apiPrefix: '$JS.API' });
      const before = [(await ledger.info('LEDGER')).state.last_seq, (await commands.info('COMMANDS')).state.last_seq];
      const { mayPublish } = await prober(bus, 'b');
      await mayPublish('req.b.tool.call', '{}', { 'Nats-Trace-Dest': destination });
      await mayPublish('req.b.tool.call', '{}', { 'Nats-Trace-Dest': destination, 'Nats-Trace-Only': 'true' });
      await pdp.flush();
      const after = [(await ledger.info('LEDGER')).state.last_seq, (await commands.info('COMMANDS')).state.last_seq];
      expect({ heard, after }).toEqual({ heard: [], after: before });
    },
  );

  it('Nats-Request-Info that an agent forged does not change who asks', async () => {
    const received: BusMessage[] = [];
    const subscription = pdp.subscribe('decide.0.>', { queue: 'pdp', onMessage: (message) => received.push(message) });
    await pdp.flush();
    const { mayPublish } = await prober(bus, 'b');
    const forged = JSON.stringify({ acc: 'GW', user: 'pdp-1' });
    await mayPublish('req.b.tool.call', '{}', { 'Nats-Request-Info': forged, 'nats-request-info': forged });
    await pdp.flush();
    subscription.unsubscribe();
    expect(received.map(({ subject }) => subject)).toEqual(['decide.0.default.b.tool.call']);
    // Identity is the subject. Where the header is looked at all the same, its last value is the server's.
    expect(JSON.parse(received[0]?.header('Nats-Request-Info') ?? '{}')).toMatchObject({ acc: 'AGENTS' });
  });

  it('with a status cannot reach the inbox of another agent (BROKER-20)', async () => {
    const heard: string[] = [];
    const victim = await bus.connect('a');
    victim.subscribe('_INBOX.a.waiting', { onMessage: (message) => heard.push(message.subject) });
    await victim.flush();
    for (const user of ['b', 'pdp-1', 'exec-tool-1', 'operator', 'siem-1', 'watch']) {
      const { mayPublish } = await prober(bus, user);
      expect(await mayPublish('_INBOX.a.waiting', '', { Status: '503', Description: 'No Responders' })).toBe(false);
    }
    await victim.flush();
    expect(heard).toEqual([]);
  });

  it('of a stored message cannot pass for the server’s own sequence or subject', async () => {
    const headers = { 'Nats-Sequence': '1', 'Nats-Subject': 'ledger.block.operator', 'Nats-Time-Stamp': 'never' };
    const answer = await pdp.request('ledger.block.pdp-0', 'forged', { timeoutMs: 2_000, headers });
    const { seq } = JSON.parse(new TextDecoder().decode(answer.data)) as { seq: number };
    const { messages } = await ledger.read('LEDGER', { fromSeq: seq, batch: 1 });
    expect(messages[0]).toMatchObject({ seq, subject: 'ledger.block.pdp-0' });
    expect(await ledger.message('LEDGER', seq)).toMatchObject({ seq, subject: 'ledger.block.pdp-0' });
  });
});
