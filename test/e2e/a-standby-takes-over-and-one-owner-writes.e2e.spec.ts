import { type Agent, Unavailable } from '#writ/agent-sdk';
import { subjects } from '#writ/contracts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Gateway, runCli } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { startOffice, storyOf } from './small-office.js';

const SEVEN_A_DAY = `
@id("seven-a-day")
permit (
  principal in Team::"staff",
  action in [Action::"act", Action::"act.slowly"],
  resource
)
when { context.session.callsToday < 7 };

@id("busy-has-no-limit")
permit (
  principal in Team::"busy",
  action in [Action::"act", Action::"act.slowly"],
  resource
);
`;

describe('with two decision services', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let bob: Agent;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside, {
      config: {
        instances: { policyDecision: 2 },
        agents: { alice: { teams: ['staff'] }, bob: { teams: ['busy'] } },
      },
      policies: { 'limits.cedar': SEVEN_A_DAY },
    });
    bob = await gateway.agent('bob');
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  /** The instance that landed the last claim. */
  async function owner(): Promise<string> {
    const claims = (await gateway.ledger()).flatMap(({ entry }) =>
      entry.type === 'shard.claimed' ? [entry.inst] : [],
    );
    return claims.at(-1) ?? '';
  }

  /** Both are there, and one of them owns the shard: the state that every story starts from. */
  async function untilBothAreThere(): Promise<string> {
    await eventually(async () => {
      const names = (await gateway.processes()).filter(({ healthPort }) => healthPort !== null).map(({ name }) => name);
      return names.includes('pdp-1') && names.includes('pdp-2') ? true : undefined;
    }, 'both decision services');
    await bob.tool('act', { marker: 'warm' }, { retries: 10 });
    return owner();
  }

  /** Calls until one completes, and says how long that took. */
  async function msUntilServed(): Promise<number> {
    const startedMs = performance.now();
    await eventually(
      () => bob.tool('act', { marker: 'after' }, { timeoutMs: 2_000 }).catch(() => undefined),
      'a decision',
    );
    return performance.now() - startedMs;
  }

  it('the standby serves within five seconds of the owner being killed, and goes on counting', async () => {
    const alice = await gateway.agent('alice');
    const first = await untilBothAreThere();
    for (let n = 0; n < 4; n++) await alice.tool('act', { marker: 'counted' });
    gateway.kill(await gateway.pidOf(first));
    await expect(msUntilServed()).resolves.toBeLessThan(5_000);
    await expect(owner()).resolves.not.toBe(first);
    for (let n = 0; n < 3; n++) await alice.tool('act', { marker: 'counted' });
    await expect(alice.tool('act', { marker: 'counted' })).rejects.toMatchObject({ code: 'no_policy_permits' });
    expect(outside.countOf('counted')).toBe(7);
  });

  it('a call that runs while its owner dies ends, and its answer is found', async () => {
    const before = await untilBothAreThere();
    const slow = bob.tool('act.slowly', { marker: 'under-way' }, { call: 'under-way' });
    await eventually(async () => (outside.countOf('under-way') === 1 ? true : undefined), 'the effect');
    gateway.kill(await gateway.pidOf(before));
    await msUntilServed();
    outside.release();
    await expect(slow).resolves.toMatchObject({ output: { released: true } });
    await expect(bob.result('under-way')).resolves.toMatchObject({ output: { released: true } });
    await expect(storyOf(gateway, 'under-way')).resolves.toEqual(['tool.call.decided', 'tool.call.completed']);
    expect(outside.countOf('under-way')).toBe(1);
  });

  it('an owner that was paused while another took over is fenced: it refuses, and nothing of it runs', async () => {
    const old = await untilBothAreThere();
    const oldPid = await gateway.pidOf(old);
    const bus = await gateway.bareAgent('bob');
    gateway.kill(oldPid, 'SIGSTOP');
    // Requests go to whoever subscribed: to the paused owner, and once it serves to the new one.
    const asked: Promise<string>[] = [];
    const ask = (n: number) => {
      const body = { v: 1, call: `fenced-${n}`, tool: 'act', args: { marker: `fenced-${n}.` } };
      const subject = subjects.request('bob', 'tool.call');
      const answer = bus.request(subject, JSON.stringify(body), { timeoutMs: 25_000 });
      asked.push(answer.then(({ data }) => Buffer.from(data).toString()));
    };
    for (let n = 0; n < 5; n++) ask(n);
    await eventually(async () => ((await owner()) === old ? undefined : true), 'another owner');
    for (let n = 5; n < 20; n++) ask(n);
    gateway.kill(oldPid, 'SIGCONT');
    const answers = (await Promise.all(asked)).map((text) => JSON.parse(text) as { status: string; code?: string });
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['completed', 'refused']));
    const refused = answers.filter(({ status }) => status === 'refused');
    expect(refused.every(({ code }) => code === 'LEDGER_FENCED')).toBe(true);
    const completed = answers.filter(({ status }) => status === 'completed').length;
    expect(outside.effects.filter(({ body }) => body.includes('fenced-'))).toHaveLength(completed);
  });

  it('with no owner at all the agent hears so at once', async () => {
    await untilBothAreThere();
    const pids = [await gateway.pidOf('pdp-1'), await gateway.pidOf('pdp-2')];
    pids.forEach((pid) => gateway.kill(pid));
    // The bus may hand one more request to a connection whose end it has not seen yet; from then on it says that nobody is there.
    const told = await eventually(async () => {
      const startedMs = performance.now();
      const call = bob.tool('act', { marker: 'nobody' }, { timeoutMs: 1_000 });
      const failure = await call.catch((error: unknown) => error);
      return failure instanceof Unavailable ? { failure, ms: performance.now() - startedMs } : undefined;
    }, 'being told that nobody decides');
    expect(told.failure.code).toBe('DECISION_UNAVAILABLE');
    expect(told.ms).toBeLessThan(1_000);
    expect(outside.countOf('nobody')).toBe(0);
    await msUntilServed();
  });

  it('the ledger of all these owners is one chain that verifies', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-export-'));
    try {
      expect(await gateway.cli('ledger', 'export', join(directory, 'out'))).toMatchObject({ status: 0 });
      expect(await runCli(['ledger', 'verify', join(directory, 'out')])).toMatchObject({ status: 10 });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
