import { startTestBus, testBusHost, type TestBus } from '../harness/bus.js';
import { EXECUTORS, prober, USERS, type User, SINKS } from './probe.js';

const host = await testBusHost();

/** `subject` or `subject queue`. */
const SUBSCRIPTIONS: readonly string[] = [
  ...['>', '*', '*.>', '*.*', '*.*.>', '*.*.*.>', '_INBOX.>', '_INBOX.*', '_INBOX.*.>', '_INBOX.a.>', '_INBOX.b.>'],
  ...['_INBOX.a.x pdp', '_INBOX.*.x', ...USERS.slice(2).map((user) => `_INBOX_${user}.>`)],
  ...['req.>', 'req.a.>', 'req.b.>', 'req.> pdp', 'req.*.> pdp', 'req.default.>', 'req.default.*.> pdp'],
  ...[
    'decide.>',
    'decide.0.>',
    'decide.> pdp',
    'decide.0.> pdp',
    'decide.*.> pdp',
    'decide.0.> other',
    'decide.0.default.a.>',
  ],
  ...['lease.>', 'lease.pdp.*', 'lease.pdp.0', 'pool.>', 'pool.*.*', 'pool.tool.default', 'pool.tool.default pdp'],
  ...['progress.>', 'progress.*.*', 'progress.tool.default', 'progress.tool.default pdp'],
  ...EXECUTORS.map((kind) => `cmd.${kind}.once.default`),
  ...[
    'cmd.>',
    'cmd.*.*.*',
    'cmd.> pdp',
    'ledger.>',
    'ledger.block.*',
    'ledger.block.pdp-0',
    'payload.*',
    'payloadkey.>',
  ],
  ...[
    '_R_.>',
    '_R_.*.*',
    '_GR_.>',
    '$JS.>',
    '$JS.API.>',
    '$JS.ACK.>',
    '$JS.ACK.COMMANDS.>',
    '$JS.EVENT.ADVISORY.>',
    '$JS.FC.>',
  ],
  ...['LEDGER.API.>', 'SIEM.API.>', '$KV.>', '$O.>', '$SRV.>'],
  ...['$SYS.>', '$SYS.ACCOUNT.>', '$SYS.ACCOUNT.*.CONNECT', '$SYS.ACCOUNT.*.DISCONNECT', '$SYS.ACCOUNT.LEDGER.CONNECT'],
  ...[
    '$SYS.SERVER.*.CLIENT.AUTH.ERR',
    '$SYS.REQ.>',
    '$SYS.REQ.USER.AUTH',
    '$SYS.SERVER.>',
    '$SYS.ACCOUNT.*.SERVER.CONNS',
  ],
  ...['taken.over', 'anything.else'],
];

const ALLOWED: Readonly<Record<User, readonly string[]>> = {
  a: ['_INBOX.a.>', '_INBOX.a.x pdp'],
  b: ['_INBOX.b.>'],
  'pdp-1': [
    ...['_INBOX_pdp-1.>', 'decide.*.> pdp', 'decide.0.> pdp', 'lease.pdp.*', 'lease.pdp.0'],
    ...['pool.*.*', 'pool.tool.default', 'pool.tool.default pdp'],
    ...['progress.*.*', 'progress.tool.default', 'progress.tool.default pdp'],
  ],
  'exec-tool-1': ['_INBOX_exec-tool-1.>'],
  'exec-memory-1': ['_INBOX_exec-memory-1.>'],
  'exec-egress-1': ['_INBOX_exec-egress-1.>'],
  'ledger-1': ['_INBOX_ledger-1.>'],
  operator: ['_INBOX_operator.>'],
  'siem-1': ['_INBOX_siem-1.>'],
  watch: [
    ...['_INBOX_watch.>', '$SYS.ACCOUNT.*.CONNECT', '$SYS.ACCOUNT.*.DISCONNECT', '$SYS.ACCOUNT.LEDGER.CONNECT'],
    '$SYS.SERVER.*.CLIENT.AUTH.ERR',
  ],
};

(host === undefined ? describe.skip : describe)('subscribing', () => {
  let bus: TestBus;
  beforeAll(async () => {
    bus = await startTestBus({ config: SINKS });
  }, 30_000);
  afterAll(() => bus[Symbol.asyncDispose]());

  it.each(USERS)('lets %s hear its own subjects and no other (BROKER-04, BROKER-05)', async (user) => {
    const { maySubscribe } = await prober(bus, user);
    const taken: string[] = [];
    for (const each of SUBSCRIPTIONS) {
      const [subject, queue] = each.split(' ') as [string, string?];
      if (await maySubscribe(subject, queue)) taken.push(each);
    }
    expect(taken.toSorted()).toEqual([...ALLOWED[user]].toSorted());
  });

  it('in the decision queue brings a request to the decision service alone (BROKER-04)', async () => {
    const heard: string[] = [];
    for (const user of USERS) {
      const connection = await bus.connect(user);
      for (const subject of ['req.>', 'req.a.>', 'decide.>', 'decide.0.>', '>', 'cmd.>']) {
        for (const queue of [undefined, 'pdp']) {
          connection.subscribe(subject, {
            ...(queue !== undefined && { queue }),
            onMessage: () => heard.push(`${user} ${subject} ${queue ?? ''}`),
            onError: () => undefined,
          });
        }
      }
      await connection.flush();
    }
    const agent = await bus.connect('a');
    for (let n = 0; n < 20; n += 1) agent.publish('req.a.tool.call', '{}');
    await agent.flush();
    await (await bus.connect('pdp-1')).flush();
    expect(new Set(heard)).toEqual(new Set(['pdp-1 decide.0.> pdp']));
    expect(heard).toHaveLength(20);
  });
});
