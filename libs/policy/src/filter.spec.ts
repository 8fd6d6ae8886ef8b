import * as fc from 'fast-check';
import { bundleOf } from '../../../test/vectors/cedar-oracle.js';
import {
  filterContext as context,
  filterPolicy as policy,
  filterRecord as record,
  redacting,
} from '../../../test/vectors/filter-generator.js';
import { Predicate } from '#writ/contracts';
import { decide } from './decide.js';
import { type FilterPlan, planFilter } from './filter.js';
import { checkFilterable } from './filterable.js';
import { policyEntities, recordEntity, uids } from './model.js';
import { compilePolicies } from './policy-set.js';
import { letsThrough } from './probe-record.js';

const entities = policyEntities({
  agents: [{ name: 'support', teams: ['sales'] }],
  tools: [],
  namespaces: ['CRM', 'HR'],
  destinations: [],
});
const who = { principal: uids.agent('support'), action: uids.action('query') };

function planOf(policies: Readonly<Record<string, string>>, context = {}): FilterPlan {
  return planFilter(compilePolicies(bundleOf(policies), entities), { ...who, parent: uids.namespace('CRM'), context });
}

const permit = (rest = ''): string => `permit (principal, action == Action::"query", resource)${rest};`;
const forbid = (rest = ''): string => `forbid (principal, action == Action::"query", resource)${rest};`;

describe('planFilter', () => {
  it.each([
    // case                            policies                                                       kind and code
    ['nothing said', {}, 'none: no_policy_permits', []],
    ['a permit', { p: permit() }, 'all: permit', ['p']],
    [
      'a permit of another action',
      { p: 'permit (principal, action == Action::"write", resource);' },
      'none: no_policy_permits',
      [],
    ],
    [
      'a permit in the namespace',
      { p: 'permit (principal, action, resource in Namespace::"CRM");' },
      'all: permit',
      ['p'],
    ],
    [
      'a permit in another one',
      { p: 'permit (principal, action, resource in Namespace::"HR");' },
      'none: no_policy_permits',
      [],
    ],
    ['a permit whose context is missing', { p: permit(' when { context.x == 1 }') }, 'none: no_policy_permits', []],
    ['a permit of some', { p: permit(' when { resource.labels.contains("eu") }') }, 'some: permit', ['p']],
    ['a forbid of all', { p: permit(), f: forbid() }, 'none: policy_forbids', ['f']],
    [
      'a forbid that errors',
      { p: permit(), f: forbid(' when { context.x == 1 }') },
      'none: forbid_evaluation_error',
      ['f'],
    ],
    [
      'a forbid of some',
      { p: permit(), f: forbid(' when { resource.labels.contains("eu") }') },
      'some: permit',
      ['p', 'f'],
    ],
    [
      'a forbid of one record',
      { p: permit(), f: 'forbid (principal, action, resource == Record::"CRM/1");' },
      'none: forbid_evaluation_error',
      ['f'],
    ],
    [
      'a forbid without translation',
      { p: permit(), f: forbid(' when { resource.id == resource.owner }') },
      'none: forbid_evaluation_error',
      ['f'],
    ],
    [
      'a permit without translation',
      { p: permit(' when { resource.id == resource.owner }') },
      'none: no_policy_permits',
      [],
    ],
    [
      'obligations that cannot be known',
      { p: permit(), q: `${redacting}${permit(' when { context.x == 1 }')}` },
      'none: obligation_unenforceable',
      ['q'],
    ],
  ])('on %s', (_case, policies, answer, determining) => {
    const plan = planOf(policies);
    expect(`${plan.kind}: ${plan.code}`).toBe(answer);
    expect(plan.determining.map(({ id }) => id)).toEqual(determining);
  });

  it('writes a predicate over the attributes of the record', () => {
    const plan = planOf(
      {
        p: permit(' when { resource.owner == principal.name || ["a", "b"].contains(resource.id) }'),
        f: forbid(' unless { context.allowed.containsAll(resource.labels) && resource.id like "c-*" }'),
      },
      { allowed: ['eu', 'us', 3] },
    );
    expect(plan).toMatchObject({
      kind: 'some',
      predicate: {
        op: 'and',
        args: [
          {
            op: 'or',
            args: [
              { op: 'eq', field: 'owner', value: 'support' },
              { op: 'oneOf', field: 'id', values: ['a', 'b'] },
            ],
          },
          { op: 'subsetOf', field: 'labels', values: ['eu', 'us'] },
          { op: 'like', field: 'id', pattern: ['c-', null] },
        ],
      },
    });
  });

  it('gives the obligations of every permit that can grant', () => {
    const plan = planOf({ p: permit(), q: `${redacting}${permit(' when { resource.owner == "x" }')}` });
    expect(plan).toMatchObject({ kind: 'all', obligations: [{ paths: ['/a'] }] });
  });

  it('tells which permit came nearest when there is none', () => {
    const { near } = planOf({ p: permit(' when { resource.owner == "x" && context.k < 3 }') }, { k: 5 });
    expect(near).toMatchObject([{ id: 'p', failed: 'when context.k < 3', values: { 'context.k': 5 } }]);
  });
});

describe('a filter plan', () => {
  it('lets a record through exactly when `decide` permits the action on it', () => {
    const cases = fc.tuple(
      fc.array(policy, { minLength: 1, maxLength: 4 }),
      context,
      fc.array(record, { minLength: 1, maxLength: 6 }),
    );
    const seen = { none: 0, all: 0, some: 0 };
    fc.assert(
      fc.property(cases, ([texts, given, records]) => {
        const bundle = bundleOf(Object.fromEntries(texts.map((text, i) => [`p${i}`, text])));
        const set = compilePolicies(bundle, entities);
        const plan = planFilter(set, { ...who, parent: uids.namespace('CRM'), context: given });
        seen[plan.kind]++;
        if (plan.kind === 'some') Predicate.parse(plan.predicate);
        for (const attributes of records) {
          const decision = decide(set, { ...who, resource: recordEntity('CRM', attributes), context: given });
          expect([decision.code, letsThrough(plan, attributes)]).toEqual([decision.code, decision.effect === 'permit']);
        }
      }),
      { numRuns: Number(process.env['WRIT_FUZZ'] ?? 200) },
    );
    expect(Math.min(seen.none, seen.all, seen.some)).toBeGreaterThan(0);
  }, 600_000);
});

describe('checkFilterable', () => {
  const problems = (text: string) => checkFilterable(bundleOf({ p: text }));

  it.each([
    ['two attributes of the record', 'resource.owner == resource.id', 23],
    ['an order of text', 'context.x && resource.id < resource.owner', 36],
    ['a part of a record', 'resource.labels.contains(resource.owner)', 23],
    ['an attribute that is no column', 'resource.other == 1', 23],
    ['a single record', 'resource in Record::"CRM/1"', 23],
    ['the ancestors of something else', 'principal in resource', 23],
    ['a tag of the record', 'resource.hasTag("a")', 23],
    ['an extension value over the record', 'ip(resource.id).isLoopback()', 23],
  ])('refuses %s, with its place', (_case, body, col) => {
    const text = `forbid (principal, action in [Action::"memory"], resource)\nwhen { 1 == 1 &&\n      ${body} };`;
    expect(problems(text)).toMatchObject([{ code: 'POLICY_UNSUPPORTED', line: 3, col: col - 23 + 7 }]);
  });

  it.each([
    [
      'the action is another',
      'forbid (principal, action == Action::"write", resource) when { resource.owner == resource.id };',
    ],
    [
      'the resource is no record',
      'permit (principal, action, resource == Tool::"t") when { resource.kind == resource.name };',
    ],
    ['the type is another', 'permit (principal, action, resource is Host) when { resource.kind == resource.name };'],
    [
      'it has a translation',
      'permit (principal, action, resource) when { context.x.y like "*" && resource.id == context.z };',
    ],
  ])('accepts a policy when %s', (_case, text) => {
    expect(problems(text)).toEqual([]);
  });
});
