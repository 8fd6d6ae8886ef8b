import { StreamReader, type Bus } from '#writ/nats';
import { startTestBus, testBusHost, type TestBus } from '../harness/bus.js';
import { PRODUCERS, prober, publishSubjects, STREAMS, USERS, type User, SINKS } from './probe.js';

const host = await testBusHost();
const gets = (prefix: string, stream: string) => [
  `${prefix}.DIRECT.GET.${stream}`,
  `${prefix}.STREAM.MSG.GET.${stream}`,
];
const own = (producer: string) => [
  `ledger.block.${producer}`,
  `payload.${producer}`,
  `payloadkey.default.a.2026-11-22.${producer}`,
];
const executor = (kind: string) => [
  ...own(`exec-${kind}-1`),
  `pool.${kind}.default`,
  `progress.${kind}.default`,
  '_R_.abc.def',
  `$JS.ACK.COMMANDS.${kind}-once-default.1.1.1.1.0`,
  ...['once', 'retry'].flatMap((delivery) => [
    `$JS.API.CONSUMER.INFO.COMMANDS.${kind}-${delivery}-default`,
    `$JS.API.CONSUMER.MSG.NEXT.COMMANDS.${kind}-${delivery}-default`,
  ]),
  ...gets('LEDGER.API', 'LEDGER'),
  ...gets('LEDGER.API', 'PAYLOAD_KEYS'),
];

/** The allowed half, all of it: what is not in here is refused. */
const ALLOWED: Readonly<Record<User, readonly string[]>> = {
  a: ['req.a.tool.call'],
  b: ['req.b.tool.call'],
  'pdp-1': [
    ...own('pdp-0'),
    ...['tool', 'memory', 'egress'].flatMap((kind) => [`cmd.${kind}.once.default`, `cmd.${kind}.retry.default`]),
    'lease.pdp.0',
    '_R_.abc.def',
    ...['LEDGER', 'PAYLOADS', 'PAYLOAD_KEYS'].flatMap((stream) => gets('LEDGER.API', stream)),
    'LEDGER.API.STREAM.INFO.LEDGER',
    'LEDGER.API.STREAM.INFO.PAYLOADS',
    'LEDGER.API.STREAM.INFO.PAYLOAD_KEYS',
    ...gets('$JS.API', 'COMMANDS'),
    '$JS.API.STREAM.INFO.COMMANDS',
  ],
  'exec-tool-1': executor('tool'),
  'exec-memory-1': executor('memory'),
  'exec-egress-1': executor('egress'),
  'ledger-1': [
    'ledger.block.ledger',
    'ledger.sealed',
    ...gets('LEDGER.API', 'LEDGER'),
    'LEDGER.API.STREAM.INFO.LEDGER',
    'LEDGER.API.STREAM.MSG.GET.SEALED',
  ],
  operator: [
    'ledger.block.operator',
    'payload.operator',
    // To erase, and to wrap data keys anew.
    ...PRODUCERS.map((producer) => `payloadkey.default.a.2026-11-22.${producer}`),
    '$JS.API.STREAM.MSG.DELETE.PAYLOAD_KEYS',
    ...['LEDGER', 'PAYLOADS', 'PAYLOAD_KEYS'].flatMap((stream) => [
      ...gets('$JS.API', stream),
      `$JS.API.STREAM.INFO.${stream}`,
    ]),
  ],
  'siem-1': [
    'ledger.block.siem-1',
    ...gets('LEDGER.API', 'LEDGER'),
    '$JS.ACK.SEALED.siem-lake.1.1.1.1.0',
    '$JS.ACK.d.h.SEALED.siem-lake.1.1.1.1.0',
    'SIEM.API.CONSUMER.INFO.SEALED.siem-lake',
    'SIEM.API.CONSUMER.MSG.NEXT.SEALED.siem-lake',
  ],
  watch: ['$SYS.REQ.SERVER.PING.CONNZ', '$SYS.REQ.SERVER.ID.CONNZ'],
};

/** What reached a stream or a live listener, as `user subject`: every probe without a body of its own says that. */
async function arrivals(bus: TestBus): Promise<{ readonly seen: string[]; stored(): Promise<string[]> }> {
  const pdp = await bus.connect('pdp-1');
  const seen: string[] = [];
  const listen = (connection: Bus, subject: string, queue?: string) =>
    connection.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      onMessage: ({ data }) => seen.push(new TextDecoder().decode(data)),
    });
  listen(pdp, 'decide.0.>', 'pdp');
  listen(pdp, 'lease.pdp.*');
  listen(pdp, 'pool.*.*');
  listen(pdp, 'progress.*.*');
  for (const user of USERS) {
    const connection = await bus.connect(user);
    listen(connection, AGENTS.includes(user) ? `_INBOX.${user}.x` : `_INBOX_${user}.x`);
    await connection.flush();
  }
  await pdp.flush();
  const evidence = new StreamReader(await bus.connect('operator'), { apiPrefix: '$JS.API' });
  const commands = new StreamReader(pdp, { apiPrefix: '$JS.API' });
  const stored = async () => {
    const batches = await Promise.all(
      STREAMS.map((stream) => (stream === 'COMMANDS' ? commands : evidence).read(stream, { fromSeq: 1, batch: 1000 })),
    );
    return batches.flatMap(({ messages }) => messages.map(({ data }) => new TextDecoder().decode(data)));
  };
  return { seen, stored };
}

const AGENTS: readonly string[] = ['a', 'b'];

/** Configuration and consumers of every stream: what the refused verbs would have changed. */
async function streamSettings(bus: TestBus): Promise<readonly unknown[]> {
  const operator = new StreamReader(await bus.connect('operator'), { apiPrefix: '$JS.API' });
  const pdp = new StreamReader(await bus.connect('pdp-1'), { apiPrefix: '$JS.API' });
  return Promise.all(
    STREAMS.map(async (stream) => {
      const { config, state } = await (stream === 'COMMANDS' ? pdp : operator).info(stream);
      // The operator may take data keys away: that is what erasing is.
      const isCut = stream !== 'PAYLOAD_KEYS' && state.first_seq > 1;
      return { config, isCut, consumers: state.consumer_count };
    }),
  );
}

(host === undefined ? describe.skip : describe)('publishing', () => {
  let bus: TestBus;
  let before: readonly unknown[];
  let arrived: Awaited<ReturnType<typeof arrivals>>;
  beforeAll(async () => {
    bus = await startTestBus({ config: SINKS });
    before = await streamSettings(bus);
    arrived = await arrivals(bus);
  }, 30_000);
  afterAll(() => bus[Symbol.asyncDispose]());

  it.each(USERS)(
    'lets %s use its own subjects and no other (IDENTITY-02, BROKER-04, BROKER-07, BROKER-09, BROKER-14, BROKER-15)',
    async (user) => {
      const { mayPublish, answers } = await prober(bus, user);
      const taken: string[] = [];
      for (const [subject, body] of publishSubjects()) if (await mayPublish(subject, body)) taken.push(subject);
      expect(taken.toSorted()).toEqual([...ALLOWED[user]].toSorted());
      // What is refused is not answered either.
      expect(answers.length).toBeLessThanOrEqual(ALLOWED[user].length);
    },
  );

  it('of what is not allowed changes no stream, reaches no listener and is stored nowhere', async () => {
    const allowed = new Set(USERS.flatMap((user) => ALLOWED[user].map((subject) => `${user} ${subject}`)));
    const all = [...arrived.seen, ...(await arrived.stored())];
    expect(all.filter((text) => !allowed.has(text))).toEqual([]);
    // The allowed half did arrive: the listeners and the streams are live.
    expect(all).toEqual(
      expect.arrayContaining([
        'a req.a.tool.call',
        'pdp-1 ledger.block.pdp-0',
        'pdp-1 cmd.tool.once.default',
        'exec-tool-1 payload.exec-tool-1',
        'exec-tool-1 pool.tool.default',
        'exec-tool-1 progress.tool.default',
        'operator ledger.block.operator',
      ]),
    );
    expect(await streamSettings(bus)).toEqual(before);
  });
});
