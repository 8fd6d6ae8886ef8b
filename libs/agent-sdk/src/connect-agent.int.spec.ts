import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '#writ/contracts';
import { readProfile } from '#writ/deployment';
import { startTestBus, testNatsServer, type TestBus } from '../../../test/harness/bus.js';
import { connectAgent, Denied, NotPermitted, Unanswered, Unavailable, WritError } from './index.js';

/** Answers requests as the decision service would; undefined leaves a request without an answer. */
type Decide = (subject: string, body: Record<string, Json>) => Json | undefined;

const server = await testNatsServer();

(server === undefined ? describe.skip : describe)('connectAgent at a real bus', () => {
  let bus: TestBus;
  beforeAll(async () => {
    bus = await startTestBus();
  }, 30_000);
  afterAll(() => bus?.[Symbol.asyncDispose]());

  const profile = () => readProfile(bus.deployment.paths, 'a');

  let stopDeciding: () => Promise<void> = async () => {};
  afterEach(() => stopDeciding());

  async function decideBy(decide: Decide): Promise<void> {
    const decision = await bus.connect('pdp-1');
    const subscription = decision.subscribe('decide.0.>', {
      queue: 'pdp',
      onMessage: ({ subject, reply, data }) => {
        const answer = decide(subject, JSON.parse(new TextDecoder().decode(data)) as Record<string, Json>);
        if (answer !== undefined && reply !== undefined) decision.publish(reply, JSON.stringify(answer));
      },
    });
    await decision.flush();
    stopDeciding = () => subscription.drain();
  }

  it('reaches the decision service under the name of its key, and gets the answer', async () => {
    const asked: string[] = [];
    await decideBy((subject, { call, args }) => {
      asked.push(subject);
      return { v: 1, call: call as string, status: 'completed', output: args ?? null, entry: 'e1' };
    });
    const agent = await connectAgent(await profile());
    expect((await agent.tool('slack.post', { text: 'hi' })).output).toEqual({ text: 'hi' });
    expect(asked).toEqual(['decide.0.default.a.tool.call']);
    await agent.close();
  });

  it('throws Denied with the reason that policy gives', async () => {
    await decideBy((_, { call }) => ({
      v: 1,
      call: call as string,
      status: 'denied',
      code: 'forbidden',
      reason: 'interns do not post',
      entry: 'e1',
    }));
    const agent = await connectAgent(await profile());
    const denied = agent.tool('slack.post', {}, { call: 'c-1' });
    await expect(denied).rejects.toBeInstanceOf(Denied);
    await expect(denied).rejects.toMatchObject({ code: 'forbidden', reason: 'interns do not post', callId: 'c-1' });
    await agent.close();
  });

  it('is told at once that nobody decides', async () => {
    const agent = await connectAgent(await profile());
    const startedMs = performance.now();
    const unavailable = agent.tool('slack.post');
    await expect(unavailable).rejects.toBeInstanceOf(Unavailable);
    await expect(unavailable).rejects.toMatchObject({ code: 'DECISION_UNAVAILABLE' });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await agent.close();
  });

  it('says at its time-out that the outcome is not known, and gets it by asking again with the same call id', async () => {
    const calls: Json[] = [];
    await decideBy((_, { call }) => {
      calls.push(call ?? null);
      return calls.length === 1
        ? undefined
        : { v: 1, call: call as string, status: 'completed', output: 1, entry: 'e' };
    });
    const agent = await connectAgent(await profile());
    await expect(agent.tool('slow', {}, { call: 'c-2', timeoutMs: 200 })).rejects.toBeInstanceOf(Unanswered);
    calls.length = 0;
    expect((await agent.tool('slow', {}, { call: 'c-2', timeoutMs: 200, retries: 1 })).output).toBe(1);
    expect(calls).toEqual(['c-2', 'c-2']);
    await agent.close();
  });

  it('cannot ask in the name of another agent', async () => {
    const agent = await connectAgent({ ...(await profile()), name: 'b' });
    const refused = agent.tool('slack.post', {}, { timeoutMs: 3_000 });
    await expect(refused).rejects.toBeInstanceOf(NotPermitted);
    await expect(refused).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    await agent.close();
  });

  it('does not connect with a key that the bus does not know', async () => {
    const stranger = { ...(await profile()), seed: (await import('#writ/nats')).createUserNkey().seed };
    await expect(connectAgent(stranger)).rejects.toBeInstanceOf(NotPermitted);
  });

  it('says that a closed connection did nothing', async () => {
    const agent = await connectAgent(await profile());
    await agent.close();
    await expect(agent.tool('slack.post')).rejects.toBeInstanceOf(Unavailable);
  });
});

(server === undefined ? describe.skip : describe)('an agent whose bus dies', () => {
  it('is told at once that the outcome is not known, and then that nobody can be asked', async () => {
    await using bus = await startTestBus();
    const silent = await bus.connect('pdp-1');
    const asked = new Promise<void>((resolve) => {
      silent.subscribe('decide.0.>', { queue: 'pdp', onMessage: () => resolve() });
    });
    await silent.flush();
    const agent = await connectAgent(await readProfile(bus.deployment.paths, 'a'));
    const inFlight = agent.tool('slow').catch((error: unknown) => error);
    await asked;
    await bus.running.stop();
    expect(await inFlight).toBeInstanceOf(Unanswered);
    await expect(agent.tool('next')).rejects.toBeInstanceOf(Unavailable);
    await agent.close();
  }, 20_000);
});

describe('connectAgent', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-profile-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const SEED = `SU${'A'.repeat(56)}`;
  it.each([
    ['is not JSON', `{ "seed": "${SEED}" `],
    [
      'has a name with a second token',
      JSON.stringify({ url: 'nats://x', name: 'a.b', inboxPrefix: '_INBOX.a', seed: SEED }),
    ],
    [
      'has an unknown field',
      JSON.stringify({ url: 'nats://x', name: 'a', inboxPrefix: '_INBOX.a', seed: SEED, extra: 1 }),
    ],
    ['has no seed', JSON.stringify({ url: 'nats://x', name: 'a', inboxPrefix: '_INBOX.a' })],
  ])('refuses a profile file that %s, without showing the seed', async (_case, text) => {
    const path = join(directory, 'a.json');
    await writeFile(path, text);
    const error = await connectAgent(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WritError);
    expect(error).toMatchObject({ code: 'PROFILE_INVALID' });
    expect((error as Error).message).not.toContain('SUAAA');
  });

  it('says that no bus answers', async () => {
    const profile = { url: 'nats://127.0.0.1:1', name: 'a', inboxPrefix: '_INBOX.a', seed: SEED };
    await expect(connectAgent(profile, { connectTimeoutMs: 500 })).rejects.toMatchObject({ code: 'BUS_UNREACHABLE' });
  });
});
