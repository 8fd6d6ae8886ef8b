import { bundleOf, cedar } from '../../../test/vectors/cedar-oracle.js';
import type { JsonObject } from '#writ/contracts';
import type { Entity } from './bundle.js';
import { decide } from './decide.js';
import { compilePolicies } from './policy-set.js';
import { policyProblemsOf } from './problems.js';

const entities: readonly Entity[] = [
  { uid: { type: 'Agent', id: 'a' }, attrs: { name: 'a', level: 3 }, parents: [{ type: 'Team', id: 'red' }] },
  { uid: { type: 'Team', id: 'red' }, attrs: {}, parents: [{ type: 'Team', id: 'all' }] },
  { uid: { type: 'Team', id: 'all' }, attrs: {}, parents: [] },
  {
    uid: { type: 'Tool', id: 't' },
    attrs: { owner: { __entity: { type: 'Agent', id: 'a' } }, tags: ['x', 'y'] },
    parents: [],
  },
];
const context = {
  n: 5,
  s: 'a*b',
  yes: true,
  list: ['a', 'b', 'b'],
  many: Array.from({ length: 40 }, (_each, i) => `m${i}`),
  rec: { k: 1, deep: { x: 'y' } },
  toString: 'mine',
} as unknown as JsonObject;
const request = {
  principal: { type: 'Agent', id: 'a' },
  action: { type: 'Action', id: 'use' },
  resource: { type: 'Tool', id: 't' },
  context,
};

/** What a `when` with this expression does: holds, does not hold, or errors. */
function outcomeOf(expression: string): 'holds' | 'fails' | 'errors' {
  const set = compilePolicies(
    bundleOf({ p: `permit (principal, action, resource) when { ${expression} };` }),
    entities,
  );
  const decision = decide(set, request);
  return decision.effect === 'permit' ? 'holds' : decision.errors.length > 0 ? 'errors' : 'fails';
}

function outcomeInCedar(expression: string): string {
  const staticPolicies = { p: `permit (principal, action, resource) when { ${expression} };` };
  const answer = cedar.isAuthorized({ ...request, policies: { staticPolicies }, entities: entities as never } as never);
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
  const { decision, diagnostics } = answer.response;
  return decision === 'allow' ? 'holds' : diagnostics.errors.length > 0 ? 'errors' : 'fails';
}

describe('a condition', () => {
  it.each([
    ['true', 'holds'],
    ['!context.yes', 'fails'],
    ['!context.n', 'errors'],
    ['context.n == 5', 'holds'],
    ['context.n == "5"', 'fails'],
    ['context.n != 5', 'fails'],
    ['context.n < 6 && context.n <= 5 && context.n > 4 && context.n >= 5', 'holds'],
    ['context.s < 6', 'errors'],
    ['context.n + 1 == 6 && context.n - 6 == -1 && context.n * 2 == 10 && -context.n == -5', 'holds'],
    ['context.yes || context.missing', 'holds'],
    ['context.missing || context.yes', 'errors'],
    ['!context.yes && context.missing', 'fails'],
    ['context.missing && !context.yes', 'errors'],
    ['context.yes && context.n', 'errors'],
    ['if context.yes then context.n == 5 else context.missing', 'holds'],
    ['if context.n then true else true', 'errors'],
    ['context has n', 'holds'],
    ['context has missing', 'fails'],
    ['context has rec.deep.x', 'holds'],
    ['context has rec.deep.x.z', 'errors'],
    ['context has rec.gone.x', 'fails'],
    ['context.n has x', 'errors'],
    ['context.rec.deep.x == "y"', 'holds'],
    ['context.rec.k.x == 1', 'errors'],
    ['context.toString == "mine"', 'holds'],
    ['context has constructor', 'fails'],
    ['context.constructor == 1', 'errors'],
    ['context.rec.hasOwnProperty == 1', 'errors'],
    ['principal.level == 3', 'holds'],
    ['principal.gone == 3', 'errors'],
    ['principal has name && !(principal has gone)', 'holds'],
    ['Agent::"ghost" has name', 'fails'],
    ['Agent::"ghost".name == "x"', 'errors'],
    ['principal == Agent::"a" && resource.owner == principal', 'holds'],
    ['principal in Team::"red" && principal in Team::"all"', 'holds'],
    ['principal in Agent::"a"', 'holds'],
    ['principal in [Team::"blue", Team::"all"]', 'holds'],
    ['principal in []', 'fails'],
    ['principal in context.list', 'errors'],
    ['context.s in Team::"red"', 'errors'],
    ['Team::"red" in principal', 'fails'],
    ['principal is Agent', 'holds'],
    ['principal is Agent in Team::"all"', 'holds'],
    ['principal is Tool in Team::"all"', 'fails'],
    ['context.s is Agent', 'errors'],
    ['context.list.contains("a") && !context.list.contains("c")', 'holds'],
    ['context.s.contains("a")', 'errors'],
    ['context.list.containsAll(["b", "a"])', 'holds'],
    ['context.list.containsAll(["c"])', 'fails'],
    ['context.list.containsAll("a")', 'errors'],
    ['context.list.containsAny(["c", "b"]) && !context.list.containsAny([])', 'holds'],
    ['context.many.containsAll(["m1", "m39"]) && context.many.containsAny(["z", "m7"])', 'holds'],
    ['["x", "y"] == resource.tags && context.list == ["b", "a"]', 'holds'],
    ['[[1], [2, 1]].contains([1, 2])', 'holds'],
    ['[principal].contains(resource.owner)', 'holds'],
    ['[].isEmpty() && !context.list.isEmpty()', 'holds'],
    ['context.s.isEmpty()', 'errors'],
    ['{k: 1, deep: {x: "y"}} == context.rec', 'holds'],
    ['{k: 1} == context.rec', 'fails'],
    ['context.s like "a*" && context.s like "*b" && context.s like "a\\*b" && context.s like "*\\**"', 'holds'],
    ['context.s like "a\\*c" || context.s like "" || context.s like "b*"', 'fails'],
    ['"abab" like "*ab*ab" && !("aba" like "*ab*ab") && "" like "*"', 'holds'],
    ['context.n like "*"', 'errors'],
    ['"🎉é" like "*é"', 'holds'],
    ['context.n + "a" == 1', 'errors'],
  ])('with %s %s', (expression, expected) => {
    expect([outcomeOf(expression), outcomeInCedar(expression)]).toEqual([expected, expected]);
  });

  it('errors where arithmetic leaves the safe integers, which is stricter than Cedar', () => {
    expect(outcomeOf('9007199254740991 + 1 > 0')).toBe('errors');
    expect(outcomeInCedar('9007199254740991 + 1 > 0')).toBe('holds');
  });

  it.each([
    ['unknown("x")', /`unknown` is not supported/],
    ['context.n == 9007199254740993', /an integer beyond 2\^53 is not supported/],
    ['{"__proto__": 1} == context.rec', /is not supported/],
  ])('with %s is refused at load, with its place', (expression, message) => {
    const text = `permit (principal, action, resource)\nwhen { context.yes && ${expression} };`;
    let thrown: unknown;
    try {
      compilePolicies(bundleOf({ p: text }), entities);
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toMatchObject({ code: 'POLICY_UNSUPPORTED', message: expect.stringMatching(message) as string });
    expect(policyProblemsOf(thrown)).toMatchObject([{ file: 'policies/test.cedar', line: 2, col: 23 }]);
  });
});

describe('a scope', () => {
  it.each([
    ['principal, action, resource', true],
    ['principal == Agent::"a", action, resource', true],
    ['principal == Agent::"b", action, resource', false],
    ['principal in Team::"all", action, resource', true],
    ['principal in Agent::"a", action, resource', true],
    ['principal in Team::"blue", action, resource', false],
    ['principal is Agent, action, resource', true],
    ['principal is Tool, action, resource', false],
    ['principal is Agent in Team::"red", action, resource', true],
    ['principal is Team in Team::"red", action, resource', false],
    ['principal, action == Action::"use", resource', true],
    ['principal, action == Action::"group", resource', false],
    ['principal, action in Action::"group", resource', true],
    ['principal, action in [Action::"x", Action::"group"], resource', true],
    ['principal, action in [], resource', false],
    ['principal, action, resource == Tool::"t"', true],
    ['principal, action, resource is Tool', true],
    ['principal, action, resource is Agent', false],
    ['principal, action, resource in Team::"all"', false],
  ])('(%s) matches: %s', (scope, matches) => {
    const action: Entity = { uid: request.action, attrs: {}, parents: [{ type: 'Action', id: 'group' }] };
    const set = compilePolicies(bundleOf({ p: `permit (${scope});` }), [...entities, action]);
    expect(decide(set, request).effect).toBe(matches ? 'permit' : 'forbid');
  });
});
