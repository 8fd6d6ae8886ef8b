import * as fc from 'fast-check';
import { bundleOf } from '../../../test/vectors/cedar-oracle.js';
import type { JsonObject } from '#writ/contracts';
import { decide } from './decide.js';
import { model, permit, forbid, BROKEN, decideOn, ids } from '../../../test/vectors/decide-on.js';
import { policyEntities, recordEntity, uids } from './model.js';
import { compilePolicies } from './policy-set.js';

describe('decide', () => {
  it.each([
    // case                         policies                                          effect and code                       determining
    ['nothing said', {}, 'forbid: no_policy_permits', []],
    ['one permit', { p: permit() }, 'permit: permit', ['p']],
    ['two permits', { p: permit(), q: permit() }, 'permit: permit', ['p', 'q']],
    ['a permit and a forbid', { p: permit(), f: forbid() }, 'forbid: policy_forbids', ['f']],
    ['a permit that errors', { p: permit(BROKEN) }, 'forbid: no_policy_permits', []],
    ['a permit and one that errors', { p: permit(), q: permit(BROKEN) }, 'permit: permit', ['p']],
    ['a permit and a forbid that errors', { p: permit(), f: forbid(BROKEN) }, 'forbid: forbid_evaluation_error', ['f']],
    ['two forbids, one of which errors', { f: forbid(), g: forbid(BROKEN) }, 'forbid: policy_forbids', ['f']],
    ['a forbid that does not hold', { p: permit(), f: forbid(' when { 1 == 2 }') }, 'permit: permit', ['p']],
    ['a forbid whose exception holds', { p: permit(), f: forbid(' unless { 1 == 1 }') }, 'permit: permit', ['p']],
  ])('on %s', (_case, policies, answer, determining) => {
    const decision = decideOn(policies);
    expect(`${decision.effect}: ${decision.code}`).toBe(answer);
    expect(ids(decision)).toEqual(determining);
  });

  it('does not depend on the order of the policies', () => {
    const policies = { p: permit(), q: permit(BROKEN), f: forbid(BROKEN), g: forbid(' when { context.n == 1 }') };
    fc.assert(
      fc.property(fc.shuffledSubarray(Object.entries(policies)), fc.integer({ min: 0, max: 1 }), (order, n) => {
        const inOrder = order.toSorted(([a], [b]) => a.localeCompare(b));
        const [one, other] = [order, inOrder].map((list) => decideOn(Object.fromEntries(list), { context: { n } }));
        return one?.code === other?.code && ids(one!).toSorted().join() === ids(other!).toSorted().join();
      }),
      { numRuns: 50 },
    );
  });

  it('names the errors of the policies that it evaluated', () => {
    const { errors } = decideOn({ p: permit(), q: permit(' when { context.rec.missing }') }, { context: { rec: {} } });
    expect(errors).toEqual([{ id: 'q', message: 'does not have the attribute `missing`' }]);
  });

  it('tells where the deciding policy stands', () => {
    const { determining } = decideOn({ p: '@id("p")\n  permit (principal, action, resource);' });
    expect(determining).toEqual([{ id: 'p', effect: 'permit', file: 'policies/test.cedar', line: 2, col: 3 }]);
  });

  it('gives the agent the reason of the first deciding policy that has one', () => {
    const policies = { f: forbid(), g: `@reason_agent("ask sales") ${forbid()}`, h: `@reason_agent("no") ${forbid()}` };
    expect(decideOn(policies).reasonForAgent).toBe('ask sales');
    expect(decideOn({ p: permit() }).reasonForAgent).toBeUndefined();
  });

  describe('with obligations', () => {
    const redacting = (path: string, rest = ''): string =>
      `@obligations("[{\\"type\\":\\"redact\\",\\"target\\":\\"output\\",\\"paths\\":[\\"${path}\\"]}]") ${permit(rest)}`;

    it('collects those of every satisfied permit, each once', () => {
      const { obligations } = decideOn({ p: redacting('/a'), q: permit(), r: redacting('/b'), s: redacting('/a') });
      expect(obligations).toMatchObject([{ paths: ['/a'] }, { paths: ['/b'] }]);
    });

    it('ignores those of permits that do not hold', () => {
      expect(decideOn({ p: permit(), q: redacting('/a', ' when { false }') }).obligations).toEqual([]);
    });

    it('denies when it cannot be known whether they apply', () => {
      const decision = decideOn({ p: permit(), q: redacting('/a', BROKEN) });
      expect(decision).toMatchObject({ effect: 'forbid', code: 'obligation_unenforceable', obligations: [] });
      expect(ids(decision)).toEqual(['q']);
    });

    it.each([
      ['not JSON', '['],
      ['an unknown type', '[{\\"type\\":\\"pray\\"}]'],
      ['nothing to do', '[{\\"type\\":\\"redact\\",\\"target\\":\\"input\\"}]'],
    ])('are refused at load when they are %s', (_case, annotation) => {
      const policies = { p: `@obligations("${annotation}") ${permit()}` };
      expect(() => decideOn(policies)).toThrow(expect.objectContaining({ code: 'POLICY_LINT' }) as Error);
    });
  });

  describe('against the hazards of Cedar as a library', () => {
    it('denies when the path that a forbid tests is missing or of another type (H3)', () => {
      const policies = { p: permit(), f: forbid(' when { context.input.path like "/etc/*" }') };
      const inputs: readonly JsonObject[] = [
        {},
        { path: 1 },
        { path: ['/etc/passwd'] },
        { path: { __entity: 'x' } },
        { path: null },
        { path: '/etc/x' },
      ];
      for (const input of inputs) expect(decideOn(policies, { context: { input } }).effect).toBe('forbid');
      expect(decideOn(policies, { context: { input: { path: '/home' } } }).effect).toBe('permit');
    });

    it('takes no entity from a request (H4)', () => {
      const policies = { p: permit(' when { context.input.owner == principal }') };
      const owner = { __entity: { type: 'Agent', id: 'support' } };
      expect(decideOn(policies, { context: { input: { owner } } }).effect).toBe('forbid');
    });

    it('refuses a literal that JSON cannot carry (H5)', () => {
      expect(() => decideOn({ p: permit(' when { context.n == 9007199254740993 }') })).toThrow(/beyond 2\^53/);
    });

    it('does not take `Mcp::"Tool::x"` for `Mcp::Tool::"x"` (H13)', () => {
      const set = compilePolicies(bundleOf({ p: 'permit (principal, action, resource == Mcp::"Tool::x");' }), []);
      const on = (type: string, id: string) =>
        decide(set, { principal: uids.agent('a'), action: uids.action('post'), resource: { type, id }, context: {} })
          .effect;
      expect([on('Mcp', 'Tool::x'), on('Mcp::Tool', 'x'), on('Mcp', 'x')]).toEqual(['permit', 'forbid', 'forbid']);
    });

    it('keeps nothing of the ids that requests name (H15)', () => {
      const set = compilePolicies(
        bundleOf({ p: 'permit (principal in Team::"sales", action, resource);' }),
        policyEntities(model),
      );
      const ask = (name: string) =>
        decide(set, { principal: uids.agent(name), action: uids.action(name), resource: uids.tool(name), context: {} });
      const candidates = (name: string) =>
        set.candidates(
          set.store.find(uids.agent(name)),
          set.store.find(uids.action(name)),
          set.store.find(uids.tool(name)),
        );
      expect(ask('ghost-1').effect).toBe('forbid');
      expect(candidates('ghost-1')).toBe(candidates('ghost-2'));
    });
  });

  describe('on a record that the request brings along', () => {
    const record = recordEntity('CRM.customers', { id: 'r1', owner: 'support', labels: ['eu'] });
    const decideRecord = (policy: string, resource = record): string => {
      const set = compilePolicies(bundleOf({ p: policy }), policyEntities(model));
      return decide(set, { principal: uids.agent('support'), action: uids.action('query'), resource, context: {} })
        .effect;
    };

    it('sees its namespace and its attributes', () => {
      const clause = 'resource.owner == principal.name && resource.labels.contains("eu")';
      expect(
        decideRecord(
          `permit (principal, action in Action::"memory", resource in Namespace::"CRM.customers") when { ${clause} };`,
        ),
      ).toBe('permit');
      expect(decideRecord('permit (principal, action, resource in Namespace::"HR");')).toBe('forbid');
    });

    it('tells a record that a policy names from the others', () => {
      const policy = 'permit (principal, action, resource == Record::"CRM.customers/r1");';
      const other = recordEntity('CRM.customers', { id: 'r2', owner: 'support', labels: [] });
      expect([decideRecord(policy), decideRecord(policy, other), decideRecord(policy)]).toEqual([
        'permit',
        'forbid',
        'permit',
      ]);
    });

    it('takes no entity from its attributes', () => {
      const forged = { ...record, attrs: { owner: { __entity: { type: 'Agent', id: 'support' } } } };
      expect(decideRecord('permit (principal, action, resource) when { resource.owner == principal };', forged)).toBe(
        'forbid',
      );
    });
  });
});
