import type { Agent } from '#writ/agent-sdk';
import { type DecidedEntry, subjects } from '#writ/contracts';
import { type Gateway, type RunningProcess } from '../harness/gateway.js';
import { sendRaw } from '../harness/raw-sender.js';
import { OutsideService } from './outside-service.js';
import { startOffice } from './small-office.js';

const MESSAGES = 200;
const MEGABYTE = 1024 * 1024;
/** What an agent may send in one message. */
const REQUEST_BYTES_MAX = 64 * 1024;
/** Connections at a time: an account has a limit of those too. */
const SENDERS = 20;

describe('two hundred messages, as fast as they can be sent,', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;
  let processes: readonly RunningProcess[];

  beforeAll(async () => {
    outside = await OutsideService.start();
    const marker = { type: 'string', maxLength: REQUEST_BYTES_MAX };
    const input = { type: 'object', required: ['marker'], properties: { marker } };
    gateway = await startOffice(outside, {
      config: { tools: { 'act.largely': { kind: 'function', function: 'echo', input } } },
    });
    alice = await gateway.agent('alice');
    processes = await gateway.processes();
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  /** Another agent's call goes through, and every service is the one that was started. */
  async function isUnharmed(marker: string): Promise<void> {
    await expect(alice.tool('act', { marker })).resolves.toMatchObject({ output: { done: true } });
    expect(outside.countOf(marker)).toBe(1);
    await expect(gateway.processes()).resolves.toEqual(processes);
  }

  it('of 1 MB each are not taken by the bus: none reaches a service or the record', async () => {
    const before = (await gateway.ledger()).length;
    const said: string[] = [];
    const send = async () => {
      for (let n = 0; n < MESSAGES / SENDERS; n++) said.push(await sendRaw(gateway, 'gus', 'tool.call', MEGABYTE));
    };
    const floods = Array.from({ length: SENDERS }, send);
    await isUnharmed('beside-1-mb');
    await Promise.all(floods);
    expect(said).toHaveLength(MESSAGES);
    // Each was let in, sent its message and was cut off; nothing else was said to any.
    expect(said.filter((text) => !text.includes('PONG'))).toEqual([]);
    const complaints = said.flatMap((text) => text.match(/-ERR .*/g) ?? []);
    expect(complaints.filter((text) => !text.includes('Maximum Payload Violation'))).toEqual([]);
    await isUnharmed('after-1-mb');
    const added = (await gateway.ledger()).slice(before).map(({ entry }) => entry);
    expect(added.filter((entry) => 'who' in entry && entry.who.agent === 'gus')).toEqual([]);
  }, 60_000);

  it('of 64 KB each, the most that the bus takes, are decided or turned away, and what is decided is on record', async () => {
    const gus = await gateway.bareAgent('gus');
    const requests = Array.from({ length: MESSAGES }, (_, n) => largest(`large-${n}`));
    expect(requests.every((text) => Buffer.byteLength(text) === REQUEST_BYTES_MAX)).toBe(true);
    const answers = requests.map(async (text) => {
      const { data } = await gus.request(subjects.request('gus', 'tool.call'), text, { timeoutMs: 20_000 });
      return (JSON.parse(Buffer.from(data).toString()) as { code: string }).code;
    });
    await isUnharmed('beside-64-kb');
    const codes = await Promise.all(answers);
    const denied = codes.filter((code) => code === 'no_policy_permits').length;
    expect(denied).toBeGreaterThan(0);
    expect(denied + codes.filter((code) => code === 'BUSY').length).toBe(MESSAGES);
    const decided = (await gateway.ledger()).flatMap(({ entry }) =>
      'who' in entry && entry.who.agent === 'gus' && entry.type === 'tool.call.decided' ? [entry as DecidedEntry] : [],
    );
    expect(decided).toHaveLength(denied);
    expect(decided.filter(({ eff }) => eff.d !== 'deny')).toEqual([]);
    await isUnharmed('after-64-kb');
  }, 60_000);
});

/** A call whose message is as large as one may be. */
function largest(call: string): string {
  const empty = JSON.stringify({ v: 1, call, tool: 'act.largely', args: { marker: '' } });
  return empty.replace('"marker":""', `"marker":"${'x'.repeat(REQUEST_BYTES_MAX - empty.length)}"`);
}
