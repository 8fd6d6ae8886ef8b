import { Fault } from '#writ/faults';
import { commit } from '#writ/tlog';
import { decided, placed } from '../entries.fixture.js';
import { AccessInMemory, auditor, gateway, mail, MAIL_WORLD } from './access.fixture.js';

const world = () => new AccessInMemory(MAIL_WORLD);
const supporting = (obligations: readonly string[], asked: ReturnType<typeof mail>) => ({
  ...asked,
  context: { ...asked.context, supported_obligations: obligations },
});

describe('an evaluation', () => {
  it('is on record before it is answered, with who asked, the policies and a commitment to what was asked', async () => {
    const { point, recorded, values } = world();
    const answer = await point.evaluation(mail(), gateway);
    expect(answer).toEqual({ decision: true, context: { code: 'permit', evaluation_id: recorded[0]?.id } });
    expect(recorded).toMatchObject([
      {
        type: 'access.evaluated',
        client: 'gateway',
        who: { agent: 'support' },
        req: {
          sub: { type: 'agent', id: 'support' },
          act: 'call',
          res: { type: 'tool', id: 'mail.send' },
          xid: 'req-1',
        },
        act: { kind: 'tool.call', res: 'mail.send' },
        eff: { d: 'allow', phase: 'evaluated' },
        why: { code: 'permit', pol: [{ id: 'mail-inside', file: 'policies/test.cedar', line: 1 }] },
      },
    ]);
    const [value] = values[0] ?? [];
    const [entry] = recorded;
    expect(entry?.type === 'access.evaluated' && entry.io.in).toBe(
      commit(value?.salt ?? '', '/in', value?.value ?? null),
    );
    expect(value?.value).toEqual(mail());
    expect(JSON.stringify(recorded)).not.toContain('a@example.com');
  });

  it('tells an enforcement point the code and what the author says, and an operator everything', async () => {
    const { point } = world();
    const asked = mail('a@example.com', { count: 11 });
    const told = await point.evaluation(asked, gateway);
    expect(told).toMatchObject({
      decision: false,
      context: { code: 'policy_forbids', reason_user: { en: 'not so many' } },
    });
    expect(JSON.stringify(told)).not.toContain('mail-flood');
    await expect(point.evaluation(asked, auditor)).resolves.toMatchObject({
      context: {
        reason_admin: {
          en: 'policy_forbids: `mail-flood` at policies/test.cedar:1',
          policies: [{ id: 'mail-flood', effect: 'forbid', at: 'policies/test.cedar:1' }],
        },
      },
    });
  });

  it('shows the near miss of a default deny to an operator alone', async () => {
    const { point, values, recorded, unexplained } = world();
    const asked = mail('a@elsewhere.org');
    expect(JSON.stringify(await point.evaluation(asked, gateway))).not.toContain('mail-inside');
    const { context } = await point.evaluation(asked, auditor);
    expect(context).toMatchObject({ code: 'no_policy_permits', reason_admin: { policies: [] } });
    expect(context.reason_admin?.near[0]).toEqual({
      id: 'mail-inside',
      at: 'policies/test.cedar:2',
      failed: 'when context.input.to like "*@example.com"',
    });
    // On record it is like any other default deny: it is explained afterwards, whoever asked.
    expect(JSON.stringify(recorded)).not.toContain('mail-inside');
    expect(values.map((each) => each.map(({ path }) => path))).toEqual([['/in'], ['/in']]);
    expect(unexplained.map(({ recorded: { seq } }) => seq)).toEqual([1, 2]);
  });

  it('takes what the caller says for a claim: properties and context are no facts', async () => {
    const { point, calls } = world();
    const lies = {
      ...mail(),
      subject: { type: 'agent', id: 'support', properties: { name: 'root', teams: ['admins'] } },
      context: { ...mail().context, session: { callsToday: 0 }, time: { hour: 3 } },
    };
    await expect(point.evaluation(lies, gateway)).resolves.toMatchObject({ decision: true });
    for (let n = 1; n <= 5; n++) {
      calls.apply(placed(n, { ...decided(`c${n}`), who: { agent: 'support' } } as ReturnType<typeof decided>));
    }
    await expect(point.evaluation(lies, gateway)).resolves.toMatchObject({
      decision: false,
      context: { code: 'no_policy_permits' },
    });
  });

  it.each([
    [{ from: '10.1.2.3', at: '2026-11-22T11:00:00+01:00' }, true, 'permit'],
    [{ from: '11.1.2.3' }, false, 'no_policy_permits'],
    [{ from: '10.1.2.3', at: '2026-11-22 11:00:00Z' }, false, 'INPUT_ARGUMENTS_INVALID'],
    [{ from: '::ffff:10.1.2.3' }, false, 'INPUT_ARGUMENTS_INVALID'],
  ])('reads arguments of extension types as calls are read: %j', async (input, decision, code) => {
    const text = (cedarType: string) => `{ type: string, x-cedar-type: ${cedarType} }`;
    const { point } = new AccessInMemory({
      yaml: `tools: { open: { kind: function, function: noop, input: { properties: { from: ${text('ipaddr')}, at: ${text('datetime')} } } } }`,
      agents: { support: [] },
      policies: {
        inside: `@id("inside") permit (principal, action == Action::"open", resource)
when { context.input has from && context.input.from.isInRange(ip("10.0.0.0/8")) };`,
      },
    });
    const asked = { ...mail(), resource: { type: 'tool', id: 'open' }, context: { input } };
    await expect(point.evaluation(asked, gateway)).resolves.toMatchObject({ decision, context: { code } });
  });

  it.each([
    ['an agent that is not registered', { subject: { type: 'agent', id: 'nobody' } }, 'INPUT_UNKNOWN_AGENT'],
    ['a subject that is no agent', { subject: { type: 'user', id: 'support' } }, 'INPUT_UNKNOWN_AGENT'],
    ['a tool that is not there', { resource: { type: 'tool', id: 'mail.sned' } }, 'INPUT_UNKNOWN_TOOL'],
    [
      'an argument of another type',
      { context: { input: { to: 'a@example.com', count: '1' } } },
      'INPUT_ARGUMENTS_INVALID',
    ],
    [
      'an argument that the tool has not',
      { context: { input: { to: 'a', count: 1, cc: 'b' } } },
      'INPUT_ARGUMENTS_INVALID',
    ],
    ['no arguments', { context: {} }, 'INPUT_ARGUMENTS_INVALID'],
    ['an input that is no object', { context: { input: 7 } }, 'INPUT_INVALID'],
    ['an action that the resource has not', { action: { name: 'query' } }, 'INPUT_UNKNOWN_OPERATION'],
    ['a type of resource that Writ has not', { resource: { type: 'todo', id: '1' } }, 'INPUT_UNKNOWN_OPERATION'],
  ])('of %s is no, with a code, and on record', async (_what, change, code) => {
    const { point, recorded } = world();
    await expect(point.evaluation({ ...mail(), ...change }, gateway)).resolves.toMatchObject({
      decision: false,
      context: { code, evaluation_id: expect.any(String) },
    });
    expect(recorded).toMatchObject([{ type: 'access.refused', client: 'gateway', why: { code } }]);
  });

  it('is no for an agent whose identity was taken away', async () => {
    const { point, calls } = world();
    calls.apply(
      placed(1, { type: 'agent.identity.revoked', who: { agent: 'support' }, key: 'k' }, { producer: 'operator' }),
    );
    await expect(point.evaluation(mail(), gateway)).resolves.toMatchObject({ decision: false });
  });

  it('with obligations is a permit only for who says that it can do them', async () => {
    const { point, recorded } = world();
    const asked = { ...mail(), subject: { type: 'agent', id: 'intern' } };
    const obligations = [{ id: 'obl-1', type: 'redact', properties: { target: 'input', paths: ['/body'] } }];
    await expect(point.evaluation(asked, gateway)).resolves.toMatchObject({
      decision: false,
      context: { code: 'obligation_unenforceable', obligations },
    });
    await expect(point.evaluation(supporting(['redact'], asked), gateway)).resolves.toMatchObject({
      decision: true,
      context: { code: 'permit', obligations },
    });
    expect(recorded).toMatchObject([
      { eff: { d: 'deny' }, why: { code: 'obligation_unenforceable' } },
      { eff: { d: 'allow' }, obl: ['redact:input:/body'] },
    ]);
  });

  it('of a memory is permitted under its filter, which is an obligation', async () => {
    const { point } = world();
    const query = {
      ...mail(),
      action: { name: 'query' },
      resource: { type: 'namespace', id: 'notes' },
      context: { input: { text: 'late', k: 3 }, supported_obligations: ['filter'] },
    };
    await expect(point.evaluation(query, gateway)).resolves.toMatchObject({
      decision: true,
      context: { obligations: [{ type: 'filter', properties: { predicate: expect.any(Object) } }] },
    });
    const unfiltered = { ...query, subject: { type: 'agent', id: 'intern' }, context: { input: { text: 'late' } } };
    expect((await point.evaluation(unfiltered, gateway)) as object).toEqual({
      decision: true,
      context: { code: 'permit', evaluation_id: expect.any(String) },
    });
    const renamed = { ...query, context: { input: { text: 'late', namespace: 'other' } } };
    await expect(point.evaluation(renamed, gateway)).resolves.toMatchObject({ context: { code: 'INPUT_INVALID' } });
  });

  it('of a destination is about its URL, and the two must agree', async () => {
    const { point } = world();
    const fetch = (url: string, id = 'api') => ({
      ...mail(),
      action: { name: 'fetch' },
      resource: { type: 'destination', id },
      context: { input: { url } },
    });
    await expect(point.evaluation(fetch('https://api.example.com/v1/x'), gateway)).resolves.toMatchObject({
      decision: true,
    });
    await expect(point.evaluation(fetch('https://api.example.com/v1/x', 'other'), gateway)).resolves.toMatchObject({
      context: { code: 'INPUT_UNKNOWN_DESTINATION' },
    });
    await expect(point.evaluation(fetch('http://169.254.169.254/'), gateway)).resolves.toMatchObject({
      decision: false,
    });
  });

  it('that is no question is refused as a whole, and nothing is on record', async () => {
    const { point, recorded } = world();
    const { action: _action, ...asked } = mail();
    await expect(point.evaluation(asked, gateway)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(point.evaluation({ ...mail(), extra: 1 }, gateway)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    expect(recorded).toEqual([]);
  });

  it('that cannot be recorded is not answered', async () => {
    const access = world();
    access.ledgerFault = new Fault('LEDGER_UNAVAILABLE', 'gone');
    await expect(access.point.evaluation(mail(), gateway)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    access.isOwner = false;
    await expect(access.point.evaluation(mail(), gateway)).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
  });
});

describe('many evaluations', () => {
  const { subject, action, resource, context } = mail();
  const no = { context: { input: { to: 'a@elsewhere.org', count: 1 } } };
  const decisionsOf = (answer: unknown) =>
    (answer as { evaluations: { decision: boolean }[] }).evaluations.map(({ decision }) => decision);

  it.each([
    ['execute_all', [{}, no, {}], [true, false, true]],
    ['deny_on_first_deny', [{}, no, {}], [true, false]],
    ['permit_on_first_permit', [no, {}, no], [false, true]],
  ])(
    'under %s go as far as they must, and what was not reached is not on record',
    async (semantic, items, expected) => {
      const { point, recorded } = world();
      const options = { evaluations_semantic: semantic };
      const all = { subject, action, resource, context, evaluations: items, options };
      expect(decisionsOf(await point.evaluations(all, gateway))).toEqual(expected);
      expect(recorded).toHaveLength(expected.length);
    },
  );

  it('take a bad item for a no in its place', async () => {
    const { point, recorded } = world();
    const all = { subject, action, context, evaluations: [{ resource }, {}, { resource, context: 7 }] };
    await expect(point.evaluations(all, gateway)).resolves.toMatchObject({
      evaluations: [
        { decision: true },
        { decision: false, context: { error: { status: 400, message: expect.stringContaining('resource') } } },
        { decision: false, context: { error: { status: 400 } } },
      ],
    });
    expect(recorded).toHaveLength(1);
  });

  it('without a list are one evaluation', async () => {
    const { point } = world();
    await expect(point.evaluations(mail(), gateway)).resolves.toMatchObject({ decision: true });
    await expect(point.evaluations({ ...mail(), evaluations: [] }, gateway)).resolves.toMatchObject({ decision: true });
  });

  it('are at most a hundred', async () => {
    const { point } = world();
    const all = { ...mail(), evaluations: Array.from({ length: 101 }, () => ({})) };
    await expect(point.evaluations(all, gateway)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    const enough = { ...mail(), evaluations: Array.from({ length: 100 }, () => ({})) };
    expect(decisionsOf(await point.evaluations(enough, gateway))).toHaveLength(100);
  });
});
