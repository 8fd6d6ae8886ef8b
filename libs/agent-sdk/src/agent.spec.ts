import type { Json } from '#writ/contracts';
import { Agent } from './agent.js';
import { type AgentBus, BusProblem, type BusProblemKind } from './agent-bus.js';
import * as sdk from './index.js';

type Step = Record<string, Json> | BusProblemKind | string;

/** A bus that answers with the given steps in turn; `$call` stands for the call id of the request. */
function setup(...steps: Step[]) {
  const sent: { subject: string; body: Record<string, Json>; timeoutMs: number }[] = [];
  const bus: AgentBus = {
    request: async (subject, data, timeoutMs) => {
      const body = JSON.parse(new TextDecoder().decode(data)) as Record<string, Json>;
      sent.push({ subject, body, timeoutMs });
      const step = steps.shift();
      if (step === 'unavailable' || step === 'unanswered' || step === 'not-permitted') throw new BusProblem(step, step);
      const text = typeof step === 'string' ? step : JSON.stringify({ v: 1, call: body['call'], ...step });
      return new TextEncoder().encode(text);
    },
    close: async () => {},
  };
  return { agent: new Agent('support', bus), sent };
}

const OK = { status: 'completed', output: { ok: true }, entry: 'e1' };

describe('Agent', () => {
  it('calls a tool under its own name, with a call id that it makes up', async () => {
    const { agent, sent } = setup(OK, OK);
    const first = await agent.tool('slack.post', { text: 'hi' }, { session: 's1' });
    const second = await agent.tool('slack.post');
    expect(first).toEqual({
      callId: sent[0]?.body['call'],
      output: { ok: true },
      entry: 'e1',
      redactions: [],
      labels: [],
    });
    expect(sent[0]).toMatchObject({
      subject: 'req.support.tool.call',
      body: { v: 1, tool: 'slack.post', args: { text: 'hi' }, session: 's1' },
    });
    expect(second.callId).not.toBe(first.callId);
    expect(sent[0]?.timeoutMs).toBeGreaterThan(34_000);
  });

  it('asks for memory and egress in the formats of the protocol', async () => {
    const { agent, sent } = setup(OK, OK, OK, OK, OK, OK, OK);
    const memory = agent.memory('CRM.customers');
    await memory.query({ text: 'acme', k: 3 }, { call: 'c1' });
    await memory.write([{ id: 'r1', text: 'a', labels: ['public'] }], { call: 'c2' });
    await memory.delete(['r1'], { call: 'c3' });
    await agent.egress('https://a.example/', { method: 'POST', body: 'x' }, { call: 'c4' });
    const where = { op: 'contains', field: 'labels', value: 'public' } as const;
    await memory.get(['r1', 'r2'], { call: 'c5' });
    await memory.delete(['r1'], { call: 'c6', where });
    await memory.query({ text: 'acme', search: 'hybrid' }, { call: 'c7' });
    const namespace = 'CRM.customers';
    expect(sent.map(({ subject, body }) => [subject, body])).toEqual([
      ['req.support.memory.query', { v: 1, call: 'c1', namespace, text: 'acme', k: 3 }],
      [
        'req.support.memory.write',
        { v: 1, call: 'c2', namespace, records: [{ id: 'r1', text: 'a', labels: ['public'] }] },
      ],
      ['req.support.memory.delete', { v: 1, call: 'c3', namespace, ids: ['r1'] }],
      ['req.support.egress.fetch', { v: 1, call: 'c4', url: 'https://a.example/', method: 'POST', body: 'x' }],
      ['req.support.memory.query', { v: 1, call: 'c5', namespace, ids: ['r1', 'r2'] }],
      ['req.support.memory.delete', { v: 1, call: 'c6', namespace, ids: ['r1'], where }],
      ['req.support.memory.query', { v: 1, call: 'c7', namespace, text: 'acme', search: 'hybrid' }],
    ]);
  });

  it.each([
    [
      'a denial',
      { status: 'denied', code: 'no_permit', reason: 'no', entry: 'e' },
      sdk.Denied,
      { code: 'no_permit', reason: 'no' },
    ],
    [
      'a denial without a reason',
      { status: 'denied', code: 'forbidden', entry: 'e' },
      sdk.Denied,
      { code: 'forbidden', reason: undefined },
    ],
    [
      'a refusal',
      { status: 'refused', code: 'INPUT_INVALID', message: 'm' },
      sdk.Refused,
      { code: 'INPUT_INVALID', reason: 'm' },
    ],
    [
      'a failure',
      { status: 'failed', code: 'EXECUTOR_FAILED', message: 'm', entry: 'e' },
      sdk.Failed,
      { code: 'EXECUTOR_FAILED', reason: 'm' },
    ],
    ['an expiry', { status: 'expired', entry: 'e' }, sdk.Expired, { code: 'EXPIRED', reason: undefined }],
    [
      'an unknown outcome',
      { status: 'indeterminate', entry: 'e' },
      sdk.Indeterminate,
      { code: 'INDETERMINATE', reason: undefined },
    ],
    [
      'no policies in force',
      { status: 'refused', code: 'POLICY_UNAVAILABLE', message: 'm' },
      sdk.Unavailable,
      { code: 'POLICY_UNAVAILABLE', reason: 'm' },
    ],
    [
      'a rate limit that is used up',
      { status: 'refused', code: 'RATE_LIMITED', message: 'm', retryAfterMs: 1500 },
      sdk.Refused,
      { code: 'RATE_LIMITED', reason: 'm', retryAfterMs: 1500 },
    ],
    ['nobody there', 'unavailable', sdk.Unavailable, { code: 'DECISION_UNAVAILABLE', reason: undefined }],
    ['no answer', 'unanswered', sdk.Unanswered, { code: 'UNANSWERED', reason: undefined }],
    ['a refusal by the bus', 'not-permitted', sdk.NotPermitted, { code: 'NOT_PERMITTED', reason: undefined }],
    ['something that is no answer', '{"v":2}', sdk.InvalidAnswer, { code: 'ANSWER_INVALID', reason: undefined }],
    ['an answer with a key twice', '{"v":1,"v":1}', sdk.InvalidAnswer, { code: 'ANSWER_INVALID', reason: undefined }],
    [
      'the answer to another call',
      { ...OK, call: 'other' },
      sdk.InvalidAnswer,
      { code: 'ANSWER_INVALID', reason: undefined },
    ],
  ])('throws on %s, with code, reason and call id', async (_case, step, type, details) => {
    const error = await setup(step)
      .agent.tool('t', {}, { call: 'c1' })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(sdk.WritError);
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ name: type.name, callId: 'c1', ...details });
  });

  it('waits for a pending call by asking for its result', async () => {
    const { agent, sent } = setup({ status: 'pending' }, { status: 'pending' }, OK);
    expect((await agent.tool('slow', {}, { call: 'c1' })).output).toEqual({ ok: true });
    expect(sent.map(({ subject }) => subject)).toEqual([
      'req.support.tool.call',
      'req.support.call.result',
      'req.support.call.result',
    ]);
    expect(sent[1]?.body).toEqual({ v: 1, call: 'c1' });
  });

  it('asks how far a call is only when somebody wants to hear it, and says so in the request', async () => {
    const { agent, sent } = setup(OK, OK);
    await agent.tool('slow', {}, { onProgress: () => undefined });
    await agent.tool('slow', {});
    expect(sent.map(({ body }) => body['progress'])).toEqual([true, undefined]);
  });

  it('tells how far a call is while it waits for its answer', async () => {
    const progress = { progress: 3, total: 10 };
    const asked: string[] = [];
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const bus: AgentBus = {
      request: async (subject, data) => {
        asked.push(subject);
        const { call } = JSON.parse(new TextDecoder().decode(data)) as { call: string };
        const isCall = subject.endsWith('tool.call');
        if (isCall) await finished;
        const answer = isCall ? OK : { status: 'pending', progress };
        return new TextEncoder().encode(JSON.stringify({ v: 1, call, ...answer }));
      },
      close: async () => {},
    };
    const told: sdk.Progress[] = [];
    const onProgress = (said: sdk.Progress) => {
      told.push(said);
      finish();
    };
    await new Agent('support', bus).tool('slow', {}, { onProgress });
    expect(told).toEqual([progress]);
    expect(asked).toEqual(['req.support.tool.call', 'req.support.call.result']);
  });

  it('gives up waiting at its time-out, and says that the outcome is not known', async () => {
    const { agent } = setup({ status: 'pending' }, { status: 'pending' });
    await expect(agent.tool('slow', {}, { timeoutMs: 300 })).rejects.toBeInstanceOf(sdk.Unanswered);
  });

  it('fetches the result of an earlier call at once', async () => {
    const { agent, sent } = setup(OK);
    expect((await agent.result('c9')).callId).toBe('c9');
    expect(sent).toMatchObject([{ subject: 'req.support.call.result', body: { v: 1, call: 'c9' } }]);
  });

  it('does not ask again unless it is told to', async () => {
    const { agent, sent } = setup('unanswered', OK);
    await expect(agent.tool('t')).rejects.toBeInstanceOf(sdk.Unanswered);
    expect(sent).toHaveLength(1);
  });

  it('asks again with the same call id, a bounded number of times', async () => {
    const { agent, sent } = setup('unanswered', 'unavailable', OK);
    await agent.tool('t', {}, { retries: 2 });
    expect(new Set(sent.map(({ body }) => body['call'])).size).toBe(1);
    const again = setup('unavailable', 'unavailable', OK);
    await expect(again.agent.tool('t', {}, { retries: 1 })).rejects.toBeInstanceOf(sdk.Unavailable);
    expect(again.sent).toHaveLength(2);
  });

  it('asks again while no policies are in force', async () => {
    const { agent, sent } = setup({ status: 'refused', code: 'POLICY_UNAVAILABLE', message: 'm' }, OK);
    await agent.tool('t', {}, { retries: 1 });
    expect(sent).toHaveLength(2);
  });

  it('does not ask again after a denial', async () => {
    const { agent, sent } = setup({ status: 'denied', code: 'forbidden', entry: 'e' }, OK);
    await expect(agent.tool('t', {}, { retries: 5 })).rejects.toBeInstanceOf(sdk.Denied);
    expect(sent).toHaveLength(1);
  });

  it('sends nothing that is too large, or that is not JSON', async () => {
    const { agent, sent } = setup();
    await expect(agent.tool('t', { text: 'x'.repeat(70_000) })).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
    await expect(agent.tool('t', { amount: Number.NaN })).rejects.toBeInstanceOf(TypeError);
    expect(sent).toEqual([]);
  });
});
