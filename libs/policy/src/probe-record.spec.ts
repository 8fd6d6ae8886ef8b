import { bundleOf } from '../../../test/vectors/cedar-oracle.js';
import { planFilter } from './filter.js';
import { policyEntities, uids } from './model.js';
import { compilePolicies } from './policy-set.js';
import { letsThrough, type Planned, probeRecord } from './probe-record.js';

const entities = policyEntities({
  agents: [{ name: 'support', teams: [] }],
  tools: [],
  namespaces: ['CRM'],
  destinations: [],
});
const query = (condition: string) => `permit (principal, action == Action::"query", resource) when { ${condition} };`;

function planned(policies: Readonly<Record<string, string>>): Planned {
  const set = compilePolicies(bundleOf(policies), entities);
  const request = {
    principal: uids.agent('support'),
    action: uids.action('query'),
    parent: uids.namespace('CRM'),
    context: {},
  };
  return { set, request, plan: planFilter(set, request) };
}

const SEEDS = Array.from({ length: 400 }, (_, n) => n);

describe('the record that a plan is tried on', () => {
  it('is the same for the same seed', () => {
    const asked = planned({ p: query('resource.labels.contains("eu")') });
    for (const seed of SEEDS) expect(probeRecord(asked, seed)).toEqual(probeRecord(asked, seed));
  });

  it.each([
    'resource.labels.contains("eu")',
    'resource.owner == principal.name && resource.labels.containsAll(["eu", "us", "uk"])',
    'resource.labels.isEmpty()',
    '["eu", "us"].containsAll(resource.labels) && resource.id like "c-*-*"',
    'resource.owner == "alice" || resource.id == "r1"',
    'resource.labels == ["us", "eu"]',
  ])('passes and does not pass, each at least one time in five, under %s', (condition) => {
    const asked = planned({ p: query(condition) });
    expect(asked.plan.kind).toBe('some');
    const passed = SEEDS.filter((seed) => letsThrough(asked.plan, probeRecord(asked, seed))).length;
    expect(Math.min(passed, SEEDS.length - passed)).toBeGreaterThan(SEEDS.length / 5);
  });

  it('has the values of the policies in scope also when the plan has none', () => {
    const asked = planned({
      p: query('resource.labels.contains("eu")'),
      f: 'forbid (principal, action, resource in Namespace::"CRM");',
    });
    expect(asked.plan.kind).toBe('none');
    expect(SEEDS.some((seed) => probeRecord(asked, seed).labels.includes('eu'))).toBe(true);
  });
});
