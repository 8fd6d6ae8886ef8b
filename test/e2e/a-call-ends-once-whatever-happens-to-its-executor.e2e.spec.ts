import type { Agent } from '#writ/agent-sdk';
import { eventually, type Gateway } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { actingTool, recordOf, STAFF_ACTS, startOffice, storyOf } from './small-office.js';

const MORE = `
@id("staff-may-more")
permit (
  principal in Team::"staff",
  action in [Action::"act.briefly", Action::"act.again.slowly", Action::"fetch"],
  resource
);
`;

describe('a call', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside, {
      config: {
        limits: { takeWithinMs: 2_000, ledgerBytesMax: 100_000_000, payloadBytesMax: 100_000_000 },
        destinations: { outside: { origin: outside.url, internal: true } },
        tools: {
          'act.briefly': actingTool(`${outside.url}/hold`, { timeoutMs: 1_000 }),
          'act.again.slowly': actingTool(`${outside.url}/hold`, { timeoutMs: 20_000, idempotent: true }),
        },
      },
      policies: { 'staff.cedar': STAFF_ACTS, 'more.cedar': MORE },
    });
    alice = await gateway.agent('alice');
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  async function untilTheExecutorIsBack(): Promise<void> {
    const act = () => alice.tool('act', { marker: 'back?' }, { timeoutMs: 2_000 }).catch(() => undefined);
    await eventually(act, 'an executor', 30_000);
  }

  async function untilDone(marker: string, times = 1): Promise<void> {
    await eventually(
      async () => (outside.countOf(marker) === times ? true : undefined),
      `effect ${times} of ${marker}`,
    );
  }

  it('whose executor is killed at work ends as indeterminate, once, and never runs again: EXECUTOR-01', async () => {
    const call = 'killed-at-work';
    void alice.tool('act.briefly', { marker: call }, { call, timeoutMs: 1_000 }).catch(() => undefined);
    await untilDone(call);
    gateway.kill(await gateway.pidOf('exec-tool-1'));
    await gateway.entry(({ entry }) => entry.type === 'call.indeterminate' && entry.corr.call === call);
    await expect(alice.result(call)).rejects.toMatchObject({ name: 'Indeterminate' });
    // Asking again with the same id is told the same, and the next executor is given nothing.
    await expect(alice.tool('act.briefly', { marker: call }, { call })).rejects.toMatchObject({
      name: 'Indeterminate',
    });
    await untilTheExecutorIsBack();
    await expect(storyOf(gateway, call)).resolves.toEqual(['tool.call.decided', 'call.indeterminate']);
    expect(outside.countOf(call)).toBe(1);
  });

  it('of an idempotent tool is finished by the executor that comes after: EXECUTOR-01', async () => {
    await untilTheExecutorIsBack();
    const call = 'killed-and-again';
    const answer = alice.tool('act.again.slowly', { marker: call }, { call });
    await untilDone(call);
    gateway.kill(await gateway.pidOf('exec-tool-1'));
    await untilDone(call, 2);
    outside.release();
    await expect(answer).resolves.toMatchObject({ output: { released: true } });
    await expect(storyOf(gateway, call)).resolves.toEqual(['tool.call.decided', 'tool.call.completed']);
    // Both attempts carry one key, by which the service can tell that they are the same.
    const keys = outside.effects.filter(({ body }) => body.includes(call)).map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([`default/alice/${call}`, `default/alice/${call}`]);
  });

  it('that takes longer than its limit fails, and the next one is served: EXECUTOR-07', async () => {
    const slow = alice.tool('act.briefly', { marker: 'too-slow' }, { call: 'too-slow' });
    await expect(slow).rejects.toMatchObject({ name: 'Failed', code: 'EXECUTOR_TIMEOUT' });
    await expect(recordOf(gateway, 'too-slow')).resolves.toMatchObject([
      { type: 'tool.call.decided' },
      { type: 'tool.call.completed', eff: { d: 'error' }, why: { code: 'EXECUTOR_TIMEOUT' } },
    ]);
    await expect(alice.tool('act', { marker: 'next' })).resolves.toBeDefined();
  });

  it('that nobody takes in time expires, and is not run late', async () => {
    const pid = await gateway.pidOf('exec-tool-1');
    // Heard a moment ago, so the pool counts as present: the call is allowed, and its command waits.
    gateway.kill(pid, 'SIGSTOP');
    const call = 'untaken';
    void alice.tool('act', { marker: call }, { call, timeoutMs: 1_000 }).catch(() => undefined);
    await gateway.entry(({ entry }) => entry.type === 'call.expired' && entry.corr.call === call);
    gateway.kill(pid, 'SIGCONT');
    await gateway.entry(({ entry }) => entry.type === 'command.refused' && entry.why.code === 'COMMAND_EXPIRED');
    await expect(alice.result(call)).rejects.toMatchObject({ name: 'Expired' });
    await expect(storyOf(gateway, call)).resolves.toEqual(['tool.call.decided', 'call.expired']);
    expect(outside.countOf(call)).toBe(0);
  });

  it('that no executor could run is denied, and never recorded as allowed', async () => {
    const pid = await gateway.pidOf('exec-egress-1');
    gateway.kill(pid, 'SIGSTOP');
    const denied = await eventually(async () => {
      const failure = await alice.egress(`${outside.url}/act`, {}, { timeoutMs: 500 }).catch((error: unknown) => error);
      return (failure as { code?: string }).code === 'no_executor' ? (failure as { callId: string }) : undefined;
    }, 'the denial');
    gateway.kill(pid, 'SIGCONT');
    await expect(recordOf(gateway, denied.callId)).resolves.toMatchObject([
      { type: 'egress.fetch.decided', eff: { d: 'deny' }, why: { code: 'no_executor' } },
    ]);
  });
});
