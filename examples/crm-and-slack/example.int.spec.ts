import { rulesOf } from '#writ/authorisation';
import { type Catalogue, loadCatalogue } from '#writ/catalogue';
import {
  compilePolicies,
  decide,
  type FilterPlan,
  generateSchema,
  planFilter,
  policyEntities,
  type PolicyModel,
  type PolicyProblem,
  type PolicySet,
  recordEntity,
  uids,
} from '#writ/policy';
import { loadPolicies } from '#writ/policy-loader';
import { Coverage, parseTestFile, runTest } from '#writ/policy-testing';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from './package-root.js';

const VARIABLES = { SLACK_URL: 'http://127.0.0.1:8801', STATUS_URL: 'http://127.0.0.1:8802' };

function modelOf({ config }: Catalogue): PolicyModel {
  return {
    agents: Object.entries(config.agents).map(([name, { teams }]) => ({ name, teams })),
    tools: Object.entries(config.tools).map(([name, { kind, idempotent, input }]) => ({
      name,
      kind,
      idempotent,
      input,
    })),
    namespaces: Object.keys(config.namespaces),
    destinations: Object.values(config.destinations),
  };
}

/** The configuration as the decision service loads it: a policy that breaks a rule of Writ, or draws a warning, fails here. */
async function load(folder: string, variables: Readonly<Record<string, string>>) {
  const catalogue = await loadCatalogue(join(folder, 'writ.yaml'), variables);
  const model = modelOf(catalogue);
  const warnings: PolicyProblem[] = [];
  const bundle = await loadPolicies({
    directory: join(folder, catalogue.config.policies),
    schema: generateSchema(model),
    onWarning: (warning) => warnings.push(warning),
  });
  return { catalogue, bundle, warnings, set: compilePolicies(bundle, policyEntities(model)) };
}

const EXAMPLE = join(packageRoot(), 'examples', 'crm-and-slack');
const TEMPLATE = join(packageRoot(), 'apps', 'cli', 'templates', 'init');

describe.each([
  // configuration            folder    variables
  ['of the example', EXAMPLE, VARIABLES],
  ['that `writ init` writes', TEMPLATE, {}],
])('the configuration %s', (_name, folder, variables) => {
  let loaded: Awaited<ReturnType<typeof load>>;
  beforeAll(async () => {
    loaded = await load(folder, variables);
  });

  it('is one that Writ takes', () => {
    const { catalogue } = loaded;
    expect(catalogue.tools.size).toBeGreaterThan(1);
    expect(catalogue.namespaces.size).toBe(1);
    expect(catalogue.destinations.size).toBe(1);
  });

  it('has tests of its policies that hold, and every policy decides in one', async () => {
    const { catalogue, set } = loaded;
    const agents = Object.keys(catalogue.config.agents).map((name) => ({ name }));
    const rules = rulesOf(catalogue, set, agents);
    const policies = join(folder, catalogue.config.policies);
    const files = (await readdir(policies)).filter((name) => name.endsWith('.test.yaml'));
    const texts = await Promise.all(files.map((name) => readFile(join(policies, name), 'utf8')));
    const results = texts.flatMap((text, i) =>
      parseTestFile(text, files[i] ?? '', variables).map((test) => runTest(test, rules)),
    );
    const coverage = new Coverage(rules);
    for (const result of results) coverage.add(result);
    expect(results.length).toBeGreaterThan(10);
    expect(results.flatMap(({ test, mismatches }) => mismatches.map((each) => ({ test: test.name, ...each })))).toEqual(
      [],
    );
    expect(coverage.report().never.filter(({ clause }) => clause === undefined)).toEqual([]);
  });

  it('has policies that load without a warning', () => {
    expect(loaded.bundle.policies.length).toBeGreaterThan(5);
    expect(loaded.warnings).toEqual([]);
  });
});

const session = { callsToday: 3 };
const time = { unix: 1_800_000_000, hour: 10, weekday: 1 };

describe('the policies of the example', () => {
  let set: PolicySet;
  beforeAll(async () => {
    ({ set } = await load(EXAMPLE, VARIABLES));
  });

  const slack = { channel: '#support', text: 'hello' };
  const status = { url: 'http://127.0.0.1:8802/api/status', host: '127.0.0.1', path: '/api/status', port: 8802 };
  it.each([
    // agent     action                    input                                   code                 policy
    ['support', 'slack.chat.postMessage', slack, 'permit', 'support-posts-to-its-channels'],
    ['support', 'slack.chat.postMessage', { ...slack, channel: '#board' }, 'no_policy_permits', undefined],
    ['intern', 'slack.chat.postMessage', slack, 'policy_forbids', 'interns-stay-off-slack'],
    ['crm-sync', 'slack.chat.postMessage', slack, 'no_policy_permits', undefined],
    ['support', 'everything.echo', { message: 'x' }, 'permit', 'support-uses-the-mcp-tools'],
    ['intern', 'everything.get-sum', { a: 1, b: 2 }, 'permit', 'interns-use-the-mcp-tools'],
    ['support', 'fetch', { ...status, method: 'GET' }, 'permit', 'support-reads-the-status-page'],
    ['intern', 'fetch', { ...status, method: 'GET' }, 'no_policy_permits', undefined],
  ])('on %s asking for %s', (agent, action, input, ...[code, policy]) => {
    const resource = action === 'fetch' ? uids.host('127.0.0.1:8802') : uids.tool(action);
    const context = { input, session, time };
    const decision = decide(set, { principal: uids.agent(agent), action: uids.action(action), resource, context });
    expect(decision.code).toBe(code);
    expect(decision.determining[0]?.id).toBe(policy);
  });

  const query = (agent: string, k: number): FilterPlan => {
    const context = { input: { k, text: 'who' }, session, time };
    const parent = uids.namespace('CRM.customers');
    return planFilter(set, { principal: uids.agent(agent), action: uids.action('query'), parent, context });
  };

  it('let support search everything but what is under legal hold', () => {
    const plan = query('support', 5);
    const held = { op: 'not', arg: { op: 'contains', field: 'labels', value: 'vip-legal' } };
    expect(plan).toMatchObject({ kind: 'some', predicate: held });
    expect(plan.obligations).toEqual([{ type: 'redact', target: 'output', detectors: ['email', 'phone'] }]);
  });

  it('let the nightly job search everything', () => {
    expect(query('crm-sync', 5)).toMatchObject({ kind: 'all' });
  });

  it('name the clause by which the intern asked for too much', () => {
    const plan = query('intern', 5);
    expect(plan).toMatchObject({ kind: 'none', code: 'no_policy_permits' });
    expect(plan.near[0]).toMatchObject({ id: 'interns-look-up-three-at-most', file: 'policies/crm.cedar' });
    expect(plan.near[0]?.failed).toContain('context.input.k <= 3');
    expect(query('intern', 3)).toMatchObject({ kind: 'some' });
  });

  it.each([
    // agent      labels          code
    ['support', ['tier:gold'], 'permit'],
    ['support', ['vip-legal'], 'policy_forbids'],
    ['crm-sync', ['vip-legal'], 'permit'],
  ])('on %s writing a record labelled %s', (agent, labels, code) => {
    const resource = recordEntity('CRM.customers', { id: 'customer-1', owner: agent, labels });
    const context = { input: { records: 1 }, session, time };
    const request = { principal: uids.agent(agent), action: uids.action('write'), resource, context };
    expect(decide(set, request).code).toBe(code);
  });
});
