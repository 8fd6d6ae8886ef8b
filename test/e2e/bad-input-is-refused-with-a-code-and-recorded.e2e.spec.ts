import type { Agent } from '#writ/agent-sdk';
import { subjects } from '#writ/contracts';
import type { Bus } from '#writ/nats';
import type { Gateway, RunningProcess } from '../harness/gateway.js';
import { sendRaw } from '../harness/raw-sender.js';
import { OutsideService } from './outside-service.js';
import { startOffice } from './small-office.js';

const MORE = `
@id("staff-may-more")
permit (
  principal in Team::"staff",
  action in [Action::"pay", Action::"query", Action::"write", Action::"delete", Action::"fetch"],
  resource
);

@id("staff-acts")
permit (principal in Team::"staff", action == Action::"act", resource);
`;

const call = (text: string) => `{"v":1,"call":"c","tool":"act","args":{"marker":${text}}}`;
const pay = (amount: string) => `{"v":1,"call":"c","tool":"pay","args":{"amount":${amount}}}`;
const json = (body: object) => JSON.stringify({ v: 1, call: 'c', ...body });

/** What was sent, on which operation, and the code of the answer. */
type Case = readonly [what: string, operation: string, body: string | Buffer, code: string];

const CASES: readonly Case[] = [
  ['nothing', 'tool.call', '', 'INPUT_NOT_JSON'],
  ['text that is not JSON', 'tool.call', 'hello', 'INPUT_NOT_JSON'],
  ['JSON with a comma too many', 'tool.call', '{"v":1,}', 'INPUT_NOT_JSON'],
  ['NaN', 'tool.call', pay('NaN'), 'INPUT_NOT_JSON'],
  ['compressed JSON (WIRE-13)', 'tool.call', Buffer.from('1f8b08000000000000ff', 'hex'), 'INPUT_NOT_UTF8'],
  ['bytes that are not UTF-8', 'tool.call', Buffer.from([0x22, 0xff, 0x22]), 'INPUT_NOT_UTF8'],
  ['a byte order mark', 'tool.call', `\uFEFF${call('"x"')}`, 'INPUT_NOT_JSON'],
  ['a list', 'tool.call', '[]', 'INPUT_INVALID'],
  ['null', 'tool.call', 'null', 'INPUT_INVALID'],
  ['a member of another type', 'tool.call', json({ tool: 7, args: {} }), 'INPUT_INVALID'],
  ['an unknown member (WIRE-08)', 'tool.call', json({ tool: 'act', args: {}, priority: 9 }), 'INPUT_INVALID'],
  ['version 999 (WIRE-08)', 'tool.call', json({ v: 999, tool: 'act', args: {} }), 'INPUT_INVALID'],
  ['no version (WIRE-08)', 'tool.call', '{"call":"c","tool":"act","args":{}}', 'INPUT_INVALID'],
  ['a call id that is none', 'tool.call', json({ call: '../c', tool: 'act', args: {} }), 'INPUT_INVALID'],
  [
    'a key twice (WIRE-01)',
    'tool.call',
    '{"v":1,"call":"c","tool":"act","tool":"pay","args":{}}',
    'INPUT_DUPLICATE_KEY',
  ],
  ['a key twice, deep inside (WIRE-01)', 'tool.call', call('{"a":{"b":1,"b":2}}'), 'INPUT_DUPLICATE_KEY'],
  ['a key twice by an escape (WIRE-01)', 'tool.call', call('{"a":1,"\\u0061":2}'), 'INPUT_DUPLICATE_KEY'],
  ['seventeen levels (WIRE-03)', 'tool.call', call(`${'['.repeat(15)}${']'.repeat(15)}`), 'INPUT_TOO_DEEP'],
  ['thirty thousand brackets (WIRE-03)', 'tool.call', '['.repeat(30_000), 'INPUT_TOO_DEEP'],
  ['six thousand keys (WIRE-04)', 'tool.call', call(manyKeys()), 'INPUT_ARGUMENTS_INVALID'],
  ['an integer that a double cannot carry', 'tool.call', pay('9007199254740993'), 'INPUT_UNSAFE_NUMBER'],
  ['a number beyond all numbers', 'tool.call', pay('1e400'), 'INPUT_UNSAFE_NUMBER'],
  ['half of a surrogate pair', 'tool.call', call('"\\ud800"'), 'INPUT_LONE_SURROGATE'],
  ['`__proto__` among the arguments', 'tool.call', call('{"__proto__":{"admin":true}}'), 'INPUT_RESERVED_KEY'],
  ['`__proto__` at the top', 'tool.call', '{"__proto__":{"v":1}}', 'INPUT_RESERVED_KEY'],
  [
    'an entity among the arguments',
    'tool.call',
    call('{"__entity":{"type":"Agent","id":"alice"}}'),
    'INPUT_RESERVED_KEY',
  ],
  ['an extension call', 'tool.call', call('{"__extn":{"fn":"ip","arg":"10.0.0.1"}}'), 'INPUT_RESERVED_KEY'],
  [
    'an agent of its own (IDENTITY-01)',
    'tool.call',
    json({ agent: 'gus', tool: 'act', args: {} }),
    'INPUT_IDENTITY_MISMATCH',
  ],
  [
    'a tenant of its own (IDENTITY-01)',
    'tool.call',
    json({ tenant: 'x', tool: 'act', args: {} }),
    'INPUT_IDENTITY_MISMATCH',
  ],
  [
    'a user as principal (IDENTITY-15)',
    'tool.call',
    json({ principal: 'User::"boss"', tool: 'act', args: {} }),
    'INPUT_IDENTITY_MISMATCH',
  ],
  ['a user (IDENTITY-15)', 'tool.call', json({ user: 'boss', tool: 'act', args: {} }), 'INPUT_IDENTITY_MISMATCH'],
  ['a tool that is not there', 'tool.call', json({ tool: 'drop.tables', args: {} }), 'INPUT_UNKNOWN_TOOL'],
  ['a tool with a name like a wildcard', 'tool.call', json({ tool: '*', args: {} }), 'INPUT_INVALID'],
  [
    'an argument that the schema lacks (WIRE-12)',
    'tool.call',
    json({ tool: 'pay', args: { amount: 1, bcc: 'x' } }),
    'INPUT_ARGUMENTS_INVALID',
  ],
  ['text for a number (WIRE-06)', 'tool.call', pay('"5"'), 'INPUT_ARGUMENTS_INVALID'],
  ['a list for a number (WIRE-06)', 'tool.call', pay('[5]'), 'INPUT_ARGUMENTS_INVALID'],
  ['a query for a number (WIRE-06)', 'tool.call', pay('{"$gt":0}'), 'INPUT_ARGUMENTS_INVALID'],
  ['true for a number (WIRE-06)', 'tool.call', pay('true'), 'INPUT_ARGUMENTS_INVALID'],
  ['an argument that is missing', 'tool.call', json({ tool: 'pay', args: {} }), 'INPUT_ARGUMENTS_INVALID'],
  ['a namespace that is not there', 'memory.query', json({ namespace: 'HR', text: 'x' }), 'INPUT_UNKNOWN_NAMESPACE'],
  ['text and ids at once', 'memory.query', json({ namespace: 'notes', text: 'x', ids: ['a'] }), 'INPUT_INVALID'],
  ['no records', 'memory.write', json({ namespace: 'notes', records: [] }), 'INPUT_INVALID'],
  [
    'a record with an owner',
    'memory.write',
    json({ namespace: 'notes', records: [{ text: 'x', owner: 'gus' }] }),
    'INPUT_INVALID',
  ],
  ['a host that is not declared', 'egress.fetch', json({ url: 'https://evil.example/' }), 'INPUT_UNKNOWN_DESTINATION'],
  ['a URL that is not canonical', 'egress.fetch', json({ url: 'http://0x7f.1/' }), 'INPUT_URL_REFUSED'],
  ['a URL with a password', 'egress.fetch', json({ url: 'https://a:b@example.com/' }), 'INPUT_URL_REFUSED'],
  ['another scheme', 'egress.fetch', json({ url: 'file:///etc/passwd' }), 'INPUT_URL_REFUSED'],
  ['an operation that is not there', 'memory.get', json({ namespace: 'notes' }), 'INPUT_UNKNOWN_OPERATION'],
  ['an operation with more parts', 'tool.call.now', json({ tool: 'act', args: {} }), 'INPUT_UNKNOWN_OPERATION'],
  ['a result of nothing', 'call.result', '{"v":1,"call":"nothing"}', 'INPUT_UNKNOWN_CALL'],
];

function manyKeys(): string {
  return `{${Array.from({ length: 6_000 }, (_, n) => `"k${n}":1`).join(',')}}`;
}

describe('a message of an agent', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;
  let bus: Bus;
  let processes: readonly RunningProcess[];

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside, {
      config: {
        namespaces: { notes: {} },
        destinations: { declared: { origin: 'https://example.com' } },
        tools: {
          pay: {
            kind: 'function',
            function: 'echo',
            input: { type: 'object', required: ['amount'], properties: { amount: { type: 'integer' } } },
          },
        },
      },
      policies: { 'policies.cedar': MORE },
    });
    alice = await gateway.agent('alice');
    bus = await gateway.bareAgent('alice');
    processes = await gateway.processes();
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  async function send(operation: string, body: string | Uint8Array, via: Bus = bus) {
    const { data } = await via.request(subjects.request(via.user, operation), body, { timeoutMs: 10_000 });
    return JSON.parse(Buffer.from(data).toString()) as { status: string; code?: string };
  }

  it.each(CASES)('that is %s is refused (%s)', async (_what, operation, body, code) => {
    await expect(send(operation, body)).resolves.toMatchObject({ status: 'refused', code });
  });

  it('of each of these kinds is on record once, with its code and nothing of its content, and nothing else is', async () => {
    const ledger = await gateway.ledger();
    const refused = ledger.flatMap(({ entry }) => (entry.type === 'request.refused' ? [entry] : []));
    const recorded = refused.map(({ who, act, why }) => `${who.agent} ${act.kind} ${why.code}`);
    const known = new Set(['tool.call', 'memory.query', 'memory.write', 'memory.delete', 'egress.fetch']);
    const sent = CASES.map(([, operation, , code]) => `alice ${known.has(operation) ? operation : 'unknown'} ${code}`);
    expect(recorded.toSorted()).toEqual([...new Set(sent)].toSorted());
    expect(refused.every(({ n }) => n === 1)).toBe(true);
    expect(ledger.filter(({ entry }) => entry.type.endsWith('.decided'))).toEqual([]);
    expect(JSON.stringify(ledger)).not.toMatch(/evil\.example|drop\.tables|boss/);
    expect(outside.effects).toEqual([]);
  });

  it('over 64 KiB is not taken by the bus, and costs the sender its connection: WIRE-04', async () => {
    await expect(sendRaw(gateway, 'alice', 'tool.call', 65_537)).resolves.toContain('Maximum Payload Violation');
    await expect(alice.tool('act', { marker: 'alive' })).resolves.toMatchObject({ output: { done: true } });
  });

  it('without a reply that can be answered changes nothing', async () => {
    bus.publish(subjects.request('alice', 'tool.call'), call('"no reply"'));
    await bus.flush();
    await expect(alice.tool('act', { marker: 'after' })).resolves.toMatchObject({ output: { done: true } });
    await gateway.entry(({ entry }) => entry.type === 'request.refused' && entry.why.code === 'INPUT_BAD_REPLY');
    expect(outside.countOf('no reply')).toBe(0);
  });

  it("that names another agent writes nothing into that agent's history: IDENTITY-01", async () => {
    const about = (await gateway.ledger()).filter(({ entry }) => 'who' in entry && entry.who.agent === 'gus');
    expect(about.filter(({ entry }) => entry.type !== 'agent.identity.issued')).toEqual([]);
  });

  it('one of a flood costs the ledger next to nothing: two thousand refusals, one entry', async () => {
    const gus = await gateway.bareAgent('gus');
    const size = (await gateway.ledger()).length;
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => send('tool.call', 'flood', gus)));
      expect(answers.every(({ status }) => status === 'refused')).toBe(true);
    }
    const added = (await gateway.ledger()).slice(size).map(({ entry }) => entry);
    const refused = added.filter(({ type }) => type === 'request.refused');
    expect(refused).toMatchObject([{ who: { agent: 'gus' }, why: { code: 'INPUT_NOT_JSON' }, n: 1 }]);
    await expect(alice.tool('act', { marker: 'served' })).resolves.toMatchObject({ output: { done: true } });
  });

  it('leaves the services running: none of them was started twice', async () => {
    await expect(gateway.processes()).resolves.toEqual(processes);
    await expect(send('call.result', '{"v":1,"call":"nothing"}')).resolves.toMatchObject({
      code: 'INPUT_UNKNOWN_CALL',
    });
  });
});
