import { LEDGER_API_PREFIX, isReplyRoute } from '#writ/contracts';
import { isBusError, StreamReader, type Bus, type BusMessage } from '#writ/nats';
import { startTestBus, testBusHost, type TestBus } from '../harness/bus.js';
import { STREAMS } from './probe.js';

const host = await testBusHost();

const TARGETS = [
  'cmd.tool.once.default',
  'ledger.block.pdp-0',
  'payload.pdp-0',
  'lease.pdp.0',
  'pool.tool.default',
  'decide.0.default.a.tool.call',
  'req.a.tool.call',
  '$JS.API.STREAM.DELETE.LEDGER',
  '$JS.API.STREAM.DELETE.COMMANDS',
  '$JS.API.STREAM.PURGE.COMMANDS',
  '$JS.API.STREAM.UPDATE.LEDGER',
  `${LEDGER_API_PREFIX}.STREAM.MSG.GET.LEDGER`,
  '$JS.ACK.COMMANDS.tool-once-default.1.1.1.1.0',
  '_R_.abc.def',
  '_INBOX_pdp-1.x',
  '_INBOX_exec-tool-1.x',
] as const;

/** Answers whatever comes with a body that the requester chose: the worst responder there could be. */
function answerBlindly(pdp: Bus, seen: BusMessage[]): void {
  pdp.subscribe('decide.0.>', {
    queue: 'pdp',
    onMessage: (message) => {
      seen.push(message);
      if (message.reply !== undefined) pdp.publish(message.reply, message.data);
    },
  });
}

(host === undefined ? describe.skip : describe)('a reply subject that an agent chose', () => {
  let bus: TestBus;
  let pdp: Bus;
  let agent: Bus;
  const seen: BusMessage[] = [];
  const violations: Error[] = [];
  beforeAll(async () => {
    bus = await startTestBus();
    pdp = await bus.connect('pdp-1', (error) => violations.push(error));
    agent = await bus.connect('b');
    answerBlindly(pdp, seen);
    await pdp.flush();
  }, 30_000);
  afterAll(() => bus[Symbol.asyncDispose]());

  /** Messages in all streams, and everything that the services and the other agent heard. */
  async function trace(act: () => Promise<void>): Promise<{ readonly stored: number; readonly heard: string[] }> {
    const heard: string[] = [];
    const ears = [
      ['a', '_INBOX.a.>'],
      ['pdp-1', 'lease.pdp.*'],
      ['pdp-1', 'pool.*.*'],
      ['pdp-1', '_INBOX_pdp-1.x'],
      ['exec-tool-1', '_INBOX_exec-tool-1.>'],
    ] as const;
    for (const [user, subject] of ears) {
      const ear = await bus.connect(user);
      ear.subscribe(subject, { onMessage: (message) => heard.push(message.subject) });
      await ear.flush();
    }
    const before = await storedMessages();
    await act();
    return { stored: (await storedMessages()) - before, heard };
  }

  async function storedMessages(): Promise<number> {
    const operator = new StreamReader(await bus.connect('operator'), { apiPrefix: '$JS.API' });
    const gateway = new StreamReader(pdp, { apiPrefix: '$JS.API' });
    const infos = await Promise.all(STREAMS.map((stream) => (stream === 'COMMANDS' ? gateway : operator).info(stream)));
    return infos.reduce((sum, { state }) => sum + state.messages, 0);
  }

  async function requestWithReply(subject: string, reply: string): Promise<void> {
    const known = seen.length;
    agent.publish('req.b.tool.call', JSON.stringify({ subjects: ['taken.over'], max_msgs: 1 }), { reply });
    await agent.flush();
    await until(() => seen.length > known || violations.length > 0, 300);
    await pdp.flush();
    await agent.flush();
  }

  it.each(TARGETS)('does not make the decision service publish on %s (BROKER-03)', async (target) => {
    const { stored, heard } = await trace(() => requestWithReply('req.b.tool.call', target));
    expect({ stored, heard }).toEqual({ stored: 0, heard: [] });
  });

  it('reaches the decision service as a reply route of the server, or not at all (BROKER-03)', () => {
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.filter(({ reply }) => !isReplyRoute(reply)).map(({ reply }) => reply)).toEqual([]);
    expect(violations).toEqual([]);
  });

  it('cannot be passed on as the reply of a command (BROKER-03)', async () => {
    const refused: Error[] = [];
    const forwarder = await bus.connect('pdp-1', (error) => refused.push(error));
    const { stored } = await trace(async () => {
      forwarder.publish('cmd.tool.once.default', '{}', { reply: '_R_.abc.def' });
      await forwarder.flush();
      await until(() => refused.length > 0, 1000);
    });
    expect(stored).toBe(0);
    expect(refused.every((error) => isBusError(error, 'permission'))).toBe(true);
  });

  it('in the inbox of another agent brings there what nobody waits for', async () => {
    // The answer to its own request is all that an agent can aim; the random part of an inbox is what it would have to guess.
    const other = await bus.connect('a');
    const waiting = other.request('req.a.tool.call', 'a', { timeoutMs: 2_000 });
    agent.publish('req.b.tool.call', 'b', { reply: '_INBOX.a.guess.1' });
    await agent.flush();
    expect(new TextDecoder().decode((await waiting).data)).toBe('a');
  });

  it('leaves every stream as it was', async () => {
    const operator = new StreamReader(await bus.connect('operator'), { apiPrefix: '$JS.API' });
    expect((await operator.info('LEDGER')).config).toMatchObject({ subjects: ['ledger.block.*'], discard: 'new' });
  });
});

async function until(isTrue: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isTrue() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2));
}
