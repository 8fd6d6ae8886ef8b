import { bundleOf } from '../../../test/vectors/cedar-oracle.js';
import type { JsonObject } from '#writ/contracts';
import { decide } from './decide.js';
import { policyEntities, uids } from './model.js';
import { compilePolicies } from './policy-set.js';

const entities = policyEntities({
  agents: [
    { name: 'support', teams: ['sales'] },
    { name: 'intern', teams: [] },
  ],
  tools: [],
  namespaces: [],
  destinations: [],
});

function nearOf(policies: Readonly<Record<string, string>>, context: JsonObject = {}, agent = 'intern') {
  const set = compilePolicies(bundleOf(policies), entities);
  return decide(set, { principal: uids.agent(agent), action: uids.action('post'), resource: uids.tool('t'), context })
    .near;
}

describe('the near misses of a default deny', () => {
  it('name the clause that failed, its place and what it read', () => {
    const text = `permit (principal, action, resource)
when { context.n > 1 && // "&&" is in here
  (context.s == "a && b" && context.list.contains(principal.name)) };`;
    expect(nearOf({ p: text }, { n: 2, s: 'a && b', list: ['x'] })).toEqual([
      {
        id: 'p',
        file: 'policies/test.cedar',
        line: 3,
        col: 29,
        failed: 'when context.list.contains(principal.name)',
        values: { 'context.list': ['x'], 'principal.name': 'intern' },
      },
    ]);
  });

  it('name the part of the scope that did not match', () => {
    expect(nearOf({ p: 'permit (\n  principal in\n    Team::"sales", // all of them\n  action, resource);' })).toEqual([
      {
        id: 'p',
        file: 'policies/test.cedar',
        line: 2,
        col: 3,
        failed: 'principal in Team::"sales"',
        values: { principal: 'Agent::"intern"' },
      },
    ]);
  });

  it('are the three nearest, nearest first', () => {
    const policies = {
      far: 'permit (principal == Agent::"x", action == Action::"y", resource);',
      two: 'permit (principal, action, resource) when { context.a && context.b };',
      one: 'permit (principal, action, resource) unless { context.c };',
      scope: 'permit (principal == Agent::"x", action, resource);',
      both: 'permit (principal == Agent::"x", action, resource) when { context.a };',
      forbid: 'forbid (principal, action, resource) when { context.a };',
    };
    const near = nearOf(policies, { a: false, b: false, c: true });
    expect(near.map(({ id, failed }) => [id, failed])).toEqual([
      ['one', 'unless context.c'],
      ['scope', 'principal == Agent::"x"'],
      ['two', 'when context.a'],
    ]);
  });

  it('say that an attribute was not there, and not what is beside it', () => {
    const [near] = nearOf(
      { p: 'permit (principal, action, resource) when { context.input has a.b };' },
      { input: { secret: 's' } },
    );
    expect(near?.values).toEqual({ 'context.input.a.b': null });
  });

  it('are none for a decision that a policy made', () => {
    expect(
      nearOf({ f: 'forbid (principal, action, resource);', p: 'permit (principal, action, resource) when { false };' }),
    ).toEqual([]);
  });
});
