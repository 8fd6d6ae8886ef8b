import {
  CATALOGUE as ECHO,
  catalogueOf,
  DecisionServiceInMemory,
  STAFF_MAY_ECHO,
  telling,
} from '../../../test/attacks/decision-service.js';
import { authorise } from '#writ/authorisation';
import { parseActionRequest } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { MAIL_WORLD, rulesOf } from './authzen/access.fixture.js';
import { inTime } from './in-time.js';

const echo = (call: string, text = 'hello') => ({ v: 1, call, tool: 'demo.echo', args: { text } });
const types = (service: DecisionServiceInMemory) => service.recorded.map(({ type }) => type);

describe('a decision', () => {
  it('that permits is recorded before its command leaves, which points at the record', async () => {
    const service = new DecisionServiceInMemory();
    await expect(service.send('support', 'tool.call', echo('c'))).resolves.toBeUndefined();
    expect(service.recorded).toMatchObject([
      { type: 'tool.call.decided', eff: { d: 'allow' }, cmd: expect.any(String) },
    ]);
    expect(service.commands).toMatchObject([{ seq: 1, i: 0, body: { call: 'c', agent: 'support', delivery: 'once' } }]);
  });

  it('has on record the time that its policies saw, whatever the clock says when it is recorded', async () => {
    const service = new DecisionServiceInMemory();
    service.tickMs = 7;
    const first = service.nowMs + 7;
    await service.send('intern', 'tool.call', echo('c'));
    expect(service.nowMs).toBeGreaterThan(first);
    expect(service.recorded).toMatchObject([{ ts: new Date(first).toISOString() }]);
  });

  it('that nobody could carry out is a denial, and never on record as anything else', async () => {
    const service = new DecisionServiceInMemory();
    service.nowMs += 3_001;
    await expect(service.send('support', 'tool.call', echo('c'))).resolves.toMatchObject({
      status: 'denied',
      code: 'no_executor',
    });
    expect(service.recorded).toMatchObject([{ eff: { d: 'deny' }, why: { code: 'no_executor' } }]);
    expect(service.commands).toEqual([]);
  });

  it('that denies is not asked about an executor: the policy is the reason', async () => {
    const service = new DecisionServiceInMemory();
    service.nowMs += 3_001;
    await expect(service.send('intern', 'tool.call', echo('c'))).resolves.toMatchObject({ code: 'no_policy_permits' });
  });

  it('for an agent that is not registered is refused, and recorded under the name that the bus said', async () => {
    const service = new DecisionServiceInMemory();
    await expect(service.send('stranger', 'tool.call', echo('c'))).resolves.toMatchObject({
      status: 'refused',
      code: 'INPUT_UNKNOWN_AGENT',
    });
    expect(service.recorded).toMatchObject([{ type: 'request.refused', who: { agent: 'stranger' } }]);
  });

  it('is made once for requests with one id that come at the same time', async () => {
    const service = new DecisionServiceInMemory();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => service.send('support', 'tool.call', echo('c'))),
    );
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(1);
    expect(answers.filter((answer) => answer?.status === 'pending')).toHaveLength(9);
    expect(types(service)).toEqual(['tool.call.decided']);
    expect(service.commands).toHaveLength(1);
  });

  it('where no policies are in force is refused as something to ask again, whatever the reason is', async () => {
    const service = new DecisionServiceInMemory();
    service.withdrawPolicies();
    const refused = { status: 'refused', code: 'POLICY_UNAVAILABLE', message: expect.stringContaining('try again') };
    await expect(service.send('support', 'tool.call', echo('c'))).resolves.toMatchObject(refused);
    await expect(service.send('support', 'catalog.list', { v: 1 })).resolves.toMatchObject(refused);
    expect(service.recorded).toMatchObject([
      { type: 'request.refused', why: { code: 'POLICY_UNAVAILABLE' } },
      { type: 'request.refused', act: { kind: 'catalog.list' } },
    ]);
    await service.activate({ catalogue: ECHO, policies: [STAFF_MAY_ECHO] }, Promise.resolve());
    await expect(service.send('support', 'tool.call', echo('c'))).resolves.toBeUndefined();
  });

  it('tells the sender nothing of the inside when there is a bug', async () => {
    const service = new DecisionServiceInMemory();
    service.ledgerFault = new TypeError('undefined is not a secret') as never;
    const answer = await service.send('support', 'tool.call', echo('c'));
    expect(answer).toMatchObject({ status: 'refused', code: 'INTERNAL' });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });
});

describe('the near misses of a default deny', () => {
  it('are not looked for before the denial is on record and answered', async () => {
    const service = new DecisionServiceInMemory();
    await expect(service.send('intern', 'tool.call', echo('c'))).resolves.toMatchObject({ code: 'no_policy_permits' });
    expect([types(service), service.searches]).toEqual([['tool.call.decided'], 0]);
    const [decision] = service.recorded;
    expect(JSON.stringify([decision, service.valuesOf(decision?.id ?? '')])).not.toContain('near');
    await service.explain();
    expect([types(service), service.searches]).toEqual([['tool.call.decided', 'decision.explained'], 1]);
    expect(service.recorded[1]).toMatchObject({
      who: { agent: 'intern' },
      corr: { call: 'c' },
      of: { seq: 1, i: 0 },
      near: [{ id: 'staff-may-echo', file: 'policies/tools.cedar', line: 3 }],
    });
    expect(service.valuesOf(service.recorded[1]?.id ?? '')).toMatchObject([
      { path: '/near', value: [{ id: 'staff-may-echo', values: { principal: 'Agent::"intern"' } }] },
    ]);
  });

  it('are not looked for when it is not on record, nor again when the call is asked again', async () => {
    const service = new DecisionServiceInMemory();
    service.ledgerFault = new Fault('LEDGER_UNAVAILABLE', 'gone');
    await service.send('intern', 'tool.call', echo('c'));
    expect(service.unexplained).toEqual([]);
    service.ledgerFault = undefined;
    await service.send('intern', 'tool.call', echo('c'));
    await service.send('intern', 'tool.call', echo('c'));
    expect([service.unexplained.length, service.searches]).toEqual([1, 0]);
  });

  it.each([
    ['tool.call', { tool: 'mail.send', args: { to: 'a@example.com', count: 1 } }],
    ['memory.query', { namespace: 'notes', text: 'late', k: 3 }],
    ['memory.delete', { namespace: 'notes', ids: ['n-1'] }],
    [
      'memory.write',
      {
        namespace: 'notes',
        records: [
          { id: 'n-1', text: 'a' },
          { id: 'n-2', text: 'b' },
        ],
      },
    ],
    ['egress.fetch', { url: 'https://api.example.com/v1/x', method: 'GET' }],
  ] as const)('of a %s are not looked for by deciding it', (kind, asked) => {
    const world = { ...MAIL_WORLD, agents: { ...MAIL_WORLD.agents, guest: [] } };
    const rules = rulesOf(world);
    let searches = 0;
    const policies = telling(rules.policies, () => (searches += 1));
    const request = parseActionRequest(kind, { v: 1, call: 'c', ...asked });
    const caller = { agent: 'guest', asked: asked as never, session: { callsToday: 0 }, nowMs: 0 };
    const { decision } = authorise(request, caller, { ...rules, policies });
    expect([decision.code, searches]).toEqual(['no_policy_permits', 0]);
    expect(decision.near).toBe(decision.near);
    expect(searches).toBe(1);
  });
});

describe('a fetch', () => {
  const paths = 'paths: [/v1]';
  const rules = rulesOf({
    ...MAIL_WORLD,
    yaml: MAIL_WORLD.yaml.replace(
      paths,
      `${paths}, methods: [POST], request: { bodyBytesMax: 9, mediaTypes: [application/json], headers: [content-type],
        schema: { properties: { a: { type: integer } } } }`,
    ),
  });

  it.each([
    ['what the destination takes', {}, '{"a":1}', 'permit'],
    ['a header that it does not', { 'X-Other': '1' }, '{"a":1}', 'INPUT_INVALID'],
    ['a body of another type', { 'content-type': 'text/plain' }, '{"a":1}', 'INPUT_INVALID'],
    ['a longer body', {}, '{"a":1234}', 'INPUT_INVALID'],
    ['a body that its schema does not take', {}, '{"b":1}', 'INPUT_INVALID'],
    ['no body where its schema wants one', {}, undefined, 'INPUT_INVALID'],
  ])('of %s is judged before a policy is asked', (_what, more, body, expected) => {
    const headers = { 'content-type': 'application/json', ...more };
    const asked = { url: 'https://api.example.com/v1/x', method: 'POST', headers, ...(body !== undefined && { body }) };
    const request = parseActionRequest('egress.fetch', { v: 1, call: 'c', ...asked });
    const caller = { agent: 'support', asked, session: { callsToday: 0 }, nowMs: 0 };
    let said: string;
    try {
      said = authorise(request, caller, rules).decision.effect;
    } catch (thrown) {
      said = thrown instanceof Fault ? thrown.code : String(thrown);
    }
    expect(said).toBe(expected);
  });
});

describe('a destination with a rate limit', () => {
  const limited = catalogueOf(`
version: 1
ledger: test/default/0
destinations: { api: { origin: 'https://api.example', rateLimit: { requests: 2, perSeconds: 2 } } }
`);
  const all = { op: 'All' } as const;
  const ANYBODY = {
    ...STAFF_MAY_ECHO,
    text: 'permit (principal, action, resource);',
    est: { ...STAFF_MAY_ECHO.est, principal: all, action: all, resource: all },
  };
  const get = (call: string) => ({ v: 1, call, url: 'https://api.example/x' });

  it('refuses the request beyond it, on record, says when to come again, and takes the same call then', async () => {
    const service = new DecisionServiceInMemory([ANYBODY], limited);
    await service.send('support', 'egress.fetch', get('one'));
    service.nowMs += 500;
    await service.send('support', 'egress.fetch', get('two'));
    await expect(service.send('support', 'egress.fetch', get('three'))).resolves.toMatchObject({
      status: 'refused',
      code: 'RATE_LIMITED',
      retryAfterMs: 1_500,
      message: expect.stringContaining('1500 ms'),
    });
    expect(service.commands).toHaveLength(2);
    expect(service.recorded.at(-1)).toMatchObject({ type: 'request.refused', why: { code: 'RATE_LIMITED' } });
    // What was answered already is answered again, and another agent has a limit of its own.
    await expect(service.send('support', 'egress.fetch', get('one'))).resolves.toMatchObject({ status: 'pending' });
    await expect(service.send('intern', 'egress.fetch', get('three'))).resolves.toBeUndefined();
    service.nowMs += 1_500;
    await expect(service.send('support', 'egress.fetch', get('three'))).resolves.toBeUndefined();
  });

  it('holds for requests that come together, and counts no denial and nothing that is not on record', async () => {
    const together = new DecisionServiceInMemory([ANYBODY], limited);
    const calls = ['a', 'b', 'c', 'd', 'e'];
    const answers = await Promise.all(calls.map((call) => together.send('support', 'egress.fetch', get(call))));
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(2);
    const denying = new DecisionServiceInMemory([], limited);
    for (const call of calls)
      await expect(denying.send('support', 'egress.fetch', get(call))).resolves.toMatchObject({ status: 'denied' });
    const unrecorded = new DecisionServiceInMemory([ANYBODY], limited);
    unrecorded.ledgerFault = new Fault('LEDGER_UNAVAILABLE', 'gone');
    for (const call of calls) await unrecorded.send('support', 'egress.fetch', get(call));
    unrecorded.ledgerFault = undefined;
    await expect(unrecorded.send('support', 'egress.fetch', get('a'))).resolves.toBeUndefined();
  });
});

describe('call.result', () => {
  it('tells of the calls of its agent alone', async () => {
    const service = new DecisionServiceInMemory();
    await service.send('support', 'tool.call', echo('c'));
    const ask = { v: 1, call: 'c' };
    await expect(service.send('support', 'call.result', ask)).resolves.toMatchObject({ status: 'pending' });
    await expect(service.send('intern', 'call.result', ask)).resolves.toMatchObject({ code: 'INPUT_UNKNOWN_CALL' });
  });
});

describe('catalog.list', () => {
  it('names what the agent could use, and nothing else', async () => {
    const service = new DecisionServiceInMemory();
    await expect(service.send('support', 'catalog.list', { v: 1 })).resolves.toMatchObject({
      status: 'listed',
      items: [{ type: 'tool', name: 'demo.echo', input: { required: ['text'] }, hints: { idempotent: false } }],
    });
    await expect(service.send('intern', 'catalog.list', { v: 1 })).resolves.toEqual({
      v: 1,
      status: 'listed',
      items: [],
    });
  });

  it('leaves no entry, and a refused one is recorded as any other', async () => {
    const service = new DecisionServiceInMemory();
    await service.send('support', 'catalog.list', { v: 1 });
    expect(service.recorded).toEqual([]);
    await service.send('stranger', 'catalog.list', { v: 1 });
    await service.send('support', 'catalog.list', { v: 1, agent: 'intern' });
    expect(service.recorded).toMatchObject([
      { type: 'request.refused', act: { kind: 'catalog.list' }, why: { code: 'INPUT_UNKNOWN_AGENT' } },
      { type: 'request.refused', why: { code: 'INPUT_IDENTITY_MISMATCH' } },
    ]);
  });
});

describe('inTime', () => {
  it('gives what the work gives, or what is said when it takes too long', async () => {
    await expect(inTime(Promise.resolve('done'), 1_000, () => 'late')).resolves.toBe('done');
    await expect(inTime(new Promise(() => undefined), 1, () => 'late')).resolves.toBe('late');
  });

  it('passes a failure on, and drops one that comes too late', async () => {
    await expect(inTime(Promise.reject(new Error('no')), 1_000, () => 'late')).rejects.toThrow('no');
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<string>((_, reject) => (fail = reject));
    await expect(inTime(late, 1, () => 'late')).resolves.toBe('late');
    fail(new Error('too late'));
    await expect(late).rejects.toThrow('too late');
  });
});

/** The policy of the staff with other annotations, under another id. */
const alike = (id: string, annotations: Readonly<Record<string, string>>, effect: 'permit' | 'forbid' = 'permit') => ({
  ...STAFF_MAY_ECHO,
  id,
  est: { ...STAFF_MAY_ECHO.est, effect },
  annotations: { id, ...annotations },
});

describe('obligations of an allow', () => {
  const obliged = (...list: readonly object[]) =>
    new DecisionServiceInMemory([alike('p', { obligations: JSON.stringify(list) })]);

  it('are in the command, and named on record', async () => {
    const service = obliged({ type: 'label', labels: ['external'] }, { type: 'limit', bytes: 100 });
    await service.send('support', 'tool.call', echo('c'));
    expect(service.commands[0]?.body.obligations).toEqual([
      { type: 'limit', bytes: 100 },
      { type: 'label', labels: ['external'] },
    ]);
    expect(service.recorded).toMatchObject([{ obl: ['limit:bytes:100', 'label:external'] }]);
  });

  it('shorten the time that the action has, and never lengthen it', async () => {
    for (const [ms, expected] of [
      [250, 250],
      [600_000, 10_000],
    ]) {
      const service = obliged({ type: 'limit', ms });
      await service.send('support', 'tool.call', echo('c'));
      const [command] = service.commands;
      expect((command?.body.finishBy ?? 0) - (command?.body.takeBy ?? 0)).toBe(expected);
    }
  });

  it.each([
    ['a filter of records', { type: 'filter', where: { op: 'isEmpty', field: 'labels' } }],
    ['a number of records', { type: 'limit', rows: 3 }],
  ])('that a tool cannot carry out deny: %s', async (_case, obligation) => {
    const service = obliged(obligation);
    await expect(service.send('support', 'tool.call', echo('c'))).resolves.toMatchObject({
      status: 'denied',
      code: 'obligation_unenforceable',
    });
    expect(service.commands).toEqual([]);
  });
});

describe('a denial with a remedy', () => {
  const remedy = { kind: 'approval', template: 'echo', approvers: 'Team::secops' };
  const service = () =>
    new DecisionServiceInMemory([
      STAFF_MAY_ECHO,
      alike('needs-human', { remedy: JSON.stringify(remedy), reason_agent: 'ask for approval' }, 'forbid'),
    ]);

  it('tells the agent what would help, and not who decides; the record says which forbid asks', async () => {
    const decided = service();
    await expect(decided.send('support', 'tool.call', echo('c'))).resolves.toMatchObject({
      status: 'denied',
      code: 'policy_forbids',
      reason: 'ask for approval',
      remedies: [{ kind: 'approval', template: 'echo' }],
    });
    expect(decided.recorded).toMatchObject([{ why: { rem: [{ policy: 'needs-human', kind: 'approval' }] } }]);
    expect(JSON.stringify(decided.recorded)).not.toContain('secops');
  });

  it('is answered again with the same words', async () => {
    const decided = service();
    const first = await decided.send('support', 'tool.call', echo('c'));
    expect(JSON.stringify(first)).not.toContain('secops');
    await expect(decided.send('support', 'tool.call', echo('c'))).resolves.toEqual(first);
  });

  it('offers none to an agent whom no permit would help', async () => {
    const forbid = alike('f', { remedy: JSON.stringify(remedy) }, 'forbid');
    const denied = await new DecisionServiceInMemory([forbid]).send('support', 'tool.call', echo('c'));
    expect(denied).not.toHaveProperty('remedies');
  });
});

it('a policy that only logs is on record with the decision that it did not make', async () => {
  const service = new DecisionServiceInMemory([STAFF_MAY_ECHO, alike('new-rule', { mode: 'log_only' }, 'forbid')]);
  await expect(service.send('support', 'tool.call', echo('c'))).resolves.toBeUndefined();
  expect(service.recorded).toMatchObject([
    { eff: { d: 'allow' }, why: { log: [{ id: 'new-rule', effect: 'forbid' }] } },
  ]);
});

it('a forbid that cannot be evaluated denies, and the record names it: POLICY-02', async () => {
  const missing = { '.': { left: { Var: 'context' }, attr: 'nothing' } };
  const broken = alike('broken', {}, 'forbid');
  const policy = { ...broken, est: { ...broken.est, conditions: [{ kind: 'when' as const, body: missing }] } };
  const service = new DecisionServiceInMemory([STAFF_MAY_ECHO, policy]);
  await expect(service.send('support', 'tool.call', echo('c'))).resolves.toMatchObject({
    status: 'denied',
    code: 'forbid_evaluation_error',
  });
  expect(service.recorded).toMatchObject([
    { eff: { d: 'deny' }, why: { pol: [{ id: 'broken' }], err: [{ id: 'broken' }] } },
  ]);
  expect(service.commands).toEqual([]);
});
