import type { Agent } from '#writ/agent-sdk';
import { subjects } from '#writ/contracts';
import { eventually, type Gateway } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { STAFF_ACTS, startOffice, storyOf } from './small-office.js';

const GUESTS_STAY_OUT = `
@id("guests-stay-out")
@reason_agent("ask the staff")
forbid (principal in Team::"guests", action == Action::"act", resource);
`;

describe('a call id', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside, { policies: { 'staff.cedar': STAFF_ACTS, 'guests.cedar': GUESTS_STAY_OUT } });
    alice = await gateway.agent('alice', { retries: 10 });
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  async function restartDecisionService(): Promise<void> {
    const before = await gateway.pidOf('pdp-1');
    gateway.kill(before);
    await eventually(async () => {
      const now = (await gateway.processes()).find(({ name }) => name === 'pdp-1');
      return now !== undefined && now.pid !== before ? now : undefined;
    }, 'a new decision service');
  }

  it('that comes again with the same arguments gets the same answer, and nothing runs again', async () => {
    const first = await alice.tool('act', { marker: 'twice' }, { call: 'twice' });
    const second = await alice.tool('act', { marker: 'twice' }, { call: 'twice' });
    expect(second).toEqual(first);
    expect(outside.countOf('twice')).toBe(1);
    await expect(storyOf(gateway, 'twice')).resolves.toEqual(['tool.call.decided', 'tool.call.completed']);
  });

  it('that comes twenty times at once is decided once, runs once, and has one answer', async () => {
    const asked = Array.from({ length: 20 }, () => alice.tool('act', { marker: 'at-once' }, { call: 'at-once' }));
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ entry }) => entry)).size).toBe(1);
    expect(outside.countOf('at-once')).toBe(1);
    await expect(storyOf(gateway, 'at-once')).resolves.toEqual(['tool.call.decided', 'tool.call.completed']);
  });

  it('that comes with other arguments, or about something else, is refused', async () => {
    await alice.tool('act', { marker: 'taken' }, { call: 'taken' });
    const reused = { code: 'INPUT_CALL_ID_REUSED' };
    await expect(alice.tool('act', { marker: 'other' }, { call: 'taken' })).rejects.toMatchObject(reused);
    await expect(alice.tool('echo', { marker: 'taken' }, { call: 'taken' })).rejects.toMatchObject(reused);
    expect(outside.countOf('other')).toBe(0);
  });

  it('belongs to its agent: another agent may use it for something else, and does not see the first', async () => {
    const gus = await gateway.agent('gus');
    await alice.tool('act', { marker: 'mine' }, { call: 'mine' });
    await expect(gus.result('mine')).rejects.toMatchObject({ code: 'INPUT_UNKNOWN_CALL' });
    await expect(gus.tool('act', { marker: 'mine' }, { call: 'mine' })).rejects.toMatchObject({
      code: 'policy_forbids',
    });
  });

  it('that was denied is denied again with the same words, and decided once', async () => {
    const gus = await gateway.agent('gus');
    const denied = { code: 'policy_forbids', reason: 'ask the staff' };
    await expect(gus.tool('act', { marker: 'no' }, { call: 'no' })).rejects.toMatchObject(denied);
    await expect(gus.tool('act', { marker: 'no' }, { call: 'no' })).rejects.toMatchObject(denied);
    await expect(storyOf(gateway, 'no')).resolves.toEqual(['tool.call.decided']);
  });

  it('whose answer was lost gives the answer when it is asked for', async () => {
    const bus = await gateway.bareAgent('alice');
    const body = { v: 1, call: 'lost', tool: 'act', args: { marker: 'lost' } };
    bus.publish(subjects.request('alice', 'tool.call'), JSON.stringify(body), { reply: bus.newInbox() });
    await bus.flush();
    await bus.close();
    await gateway.entry(({ entry }) => entry.type === 'tool.call.completed' && entry.corr.call === 'lost');
    await expect(alice.result('lost')).resolves.toMatchObject({ output: { done: true } });
    await expect(alice.tool('act', { marker: 'lost' }, { call: 'lost' })).resolves.toMatchObject({
      output: { done: true },
    });
    expect(outside.countOf('lost')).toBe(1);
  });

  it('is known to the next decision service: same answer, same refusals, no second effect', async () => {
    const before = await alice.tool('act', { marker: 'restart' }, { call: 'restart' });
    await restartDecisionService();
    await expect(alice.tool('act', { marker: 'restart' }, { call: 'restart' })).resolves.toEqual(before);
    await expect(alice.tool('act', { marker: 'else' }, { call: 'restart' })).rejects.toMatchObject({
      code: 'INPUT_CALL_ID_REUSED',
    });
    const gus = await gateway.agent('gus', { retries: 10 });
    const denied = { code: 'policy_forbids', reason: 'ask the staff' };
    await expect(gus.tool('act', { marker: 'no' }, { call: 'no' })).rejects.toMatchObject(denied);
    expect(outside.countOf('restart')).toBe(1);
    expect(outside.countOf('else')).toBe(0);
  });
});
