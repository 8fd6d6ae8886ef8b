import { askedOf, authorise, type ShadowedDecision } from '#writ/authorisation';
import type { ActionRequest, Predicate } from '#writ/contracts';
import {
  compilePolicies,
  type FilterPlan,
  type FilterRequest,
  planFilter,
  policyEntities,
  type PolicySet,
  uids,
} from '#writ/policy';
import * as fc from 'fast-check';
import { bundleOf, cedar } from '../../../../test/vectors/cedar-oracle.js';
import { filterContext, filterPolicy } from '../../../../test/vectors/filter-generator.js';
import { MAIL_WORLD, rulesOf } from '../authzen/access.fixture.js';
import { examine } from './examine.js';
import type { OracleAnswer, OracleQuestion } from './oracle-child.js';

const entities = policyEntities({
  agents: [{ name: 'support', teams: ['sales'] }],
  tools: [],
  namespaces: ['CRM', 'HR'],
  destinations: [],
});

let parsed: PolicySet | undefined;

/** What Cedar says, asked as the child process asks it. */
function ask(set: PolicySet, { brought, ...question }: OracleQuestion): OracleAnswer {
  if (parsed !== set) {
    const staticPolicies = Object.fromEntries(set.policies.map(({ source }) => [source.id, source.text]));
    expect(cedar.preparsePolicySet('examined', { staticPolicies }).type).toBe('success');
    parsed = set;
  }
  const answer = cedar.statefulIsAuthorized({
    ...question,
    preparsedPolicySetId: 'examined',
    validateRequest: false,
    entities: brought === undefined ? set.entities : [...set.entities, brought],
  } as Parameters<typeof cedar.statefulIsAuthorized>[0]);
  if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join());
  const { decision, diagnostics } = answer.response;
  return { decision, determining: diagnostics.reason, errors: diagnostics.errors.map(({ policyId }) => policyId) };
}

function filtering(context: FilterRequest['context'] = {}): FilterRequest {
  return { principal: uids.agent('support'), action: uids.action('query'), parent: uids.namespace('CRM'), context };
}

function verdictOf(set: PolicySet, request: FilterRequest, { plan, seed }: { plan: FilterPlan; seed: number }) {
  const examined = examine({ kind: 'filter', set, request, plan, agent: 'support', call: 'c' }, seed);
  return { ...examined, verdict: examined.compare(ask(set, examined.question)) };
}

const SETS = Number(process.env['WRIT_FUZZ'] ?? 125);
const PLANS_A_SET = 16;
const RECORDS_A_PLAN = 2;

describe('a filter that is tried on records', () => {
  it('is never found to differ from Cedar when nothing is wrong with it', () => {
    const seen = { allowed: 0, refused: 0, stricter: 0 };
    const contexts = fc.array(filterContext, { minLength: PLANS_A_SET, maxLength: PLANS_A_SET });
    const cases = fc.tuple(fc.array(filterPolicy, { minLength: 1, maxLength: 4 }), contexts, fc.nat());
    const tryOne = (set: PolicySet, context: FilterRequest['context'], seed: number) => {
      const request = filtering(context);
      const { verdict, said, question } = verdictOf(set, request, { plan: planFilter(set, request), seed });
      expect([verdict, question]).not.toEqual(['different', question]);
      seen[said.isAllowed ? 'allowed' : 'refused'] += 1;
      if (verdict === 'stricter') seen.stricter += 1;
    };
    fc.assert(
      fc.property(cases, ([texts, given, first]) => {
        const set = compilePolicies(bundleOf(Object.fromEntries(texts.map((text, i) => [`p${i}`, text]))), entities);
        for (const [n, context] of given.entries()) {
          for (let k = 0; k < RECORDS_A_PLAN; k++) tryOne(set, context, first + n * RECORDS_A_PLAN + k);
        }
      }),
      { numRuns: SETS, seed: 20_261_122 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan((SETS * PLANS_A_SET) / 100);
  }, 600_000);

  const EU_BUT_SECRET = {
    p: 'permit (principal, action == Action::"query", resource) when { resource.labels.contains("eu") };',
    own: 'permit (principal, action == Action::"query", resource) when { resource.owner == principal.name };',
    f: 'forbid (principal, action, resource) when { resource.labels.contains("secret") };',
  };
  const eu: Predicate = { op: 'contains', field: 'labels', value: 'eu' };
  const own: Predicate = { op: 'eq', field: 'owner', value: 'support' };
  const open: Predicate = { op: 'not', arg: { op: 'contains', field: 'labels', value: 'secret' } };

  it.each<[string, Predicate | 'all' | 'none']>([
    ['lets everything through', 'all'],
    ['lets nothing through', 'none'],
    ['forgets a forbid', { op: 'or', args: [eu, own] }],
    ['forgets a permit', { op: 'and', args: [eu, open] }],
    ['has another value', { op: 'and', args: [{ op: 'or', args: [{ ...eu, value: 'us' }, own] }, open] }],
    ['is the wrong way round', { op: 'not', arg: { op: 'and', args: [{ op: 'or', args: [eu, own] }, open] } }],
  ])('is found within 64 records when it %s', (_what, wrong) => {
    const set = compilePolicies(bundleOf(EU_BUT_SECRET), entities);
    const request = filtering();
    const right = planFilter(set, request);
    expect(right).toMatchObject({ predicate: { op: 'and', args: [{ op: 'or', args: [eu, own] }, open] } });
    const plan: FilterPlan =
      typeof wrong === 'string' ? { ...right, kind: wrong } : { ...right, kind: 'some', predicate: wrong };
    const verdicts = (tried: FilterPlan) =>
      Array.from({ length: 64 }, (_, seed) => verdictOf(set, request, { plan: tried, seed }).verdict);
    expect(verdicts(right)).not.toContain('different');
    expect(verdicts(plan)).toContain('different');
  });

  it('is stricter by intent where policy obliges to a filter, and where it has no translation', () => {
    const obliging = {
      p: `@obligations("[{\\"type\\":\\"filter\\",\\"where\\":{\\"op\\":\\"contains\\",\\"field\\":\\"labels\\",\\"value\\":\\"eu\\"}}]")
permit (principal, action == Action::"query", resource);`,
    };
    const untranslatable = {
      p: 'permit (principal, action == Action::"query", resource) when { resource.id == resource.owner || true };',
    };
    for (const policies of [obliging, untranslatable]) {
      const set = compilePolicies(bundleOf(policies), entities);
      const request = filtering();
      const plan = planFilter(set, request);
      const verdicts = Array.from({ length: 32 }, (_, seed) => verdictOf(set, request, { plan, seed }).verdict);
      expect(verdicts).toContain('stricter');
      expect(verdicts).not.toContain('different');
    }
  });

  it.each<ActionRequest>([
    { kind: 'memory.query', v: 1, call: 'c', namespace: 'notes', k: 3, text: 'hello' },
    { kind: 'memory.delete', v: 1, call: 'c', namespace: 'notes', ids: ['a'] },
  ])('is one of the sample like any other decision: $kind', (request) => {
    const offered: ShadowedDecision[] = [];
    const shadow = { isDue: () => true, offer: (decided: ShadowedDecision) => void offered.push(decided) };
    const caller = { agent: 'support', asked: askedOf(request), session: { callsToday: 0 }, nowMs: 0, shadow };
    authorise(request, caller, rulesOf(MAIL_WORLD));
    expect(offered).toMatchObject([{ kind: 'filter', agent: 'support', call: 'c', plan: {} }]);
  });
});
