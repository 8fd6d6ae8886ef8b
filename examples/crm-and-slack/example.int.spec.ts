import { type Catalogue, loadCatalogue } from '#writ/catalogue';
import {
  bundleHash,
  compilePolicies,
  decide,
  type FilterPlan,
  generateSchema,
  lineIndex,
  planFilter,
  policyEntities,
  type PolicyModel,
  type PolicySet,
  PolicySource,
  recordEntity,
  splitPolicies,
  uids,
} from '#writ/policy';
import cedar from '@cedar-policy/cedar-wasm/nodejs';
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

async function readPolicies(folder: string): Promise<PolicySource[]> {
  const policies: PolicySource[] = [];
  for (const name of await readdir(join(folder, 'policies'))) {
    const source = await readFile(join(folder, 'policies', name), 'utf8');
    for (const { start, text } of splitPolicies(source)) {
      const parsed = cedar.policyToJson(text);
      if (parsed.type === 'failure') throw new Error(`${name}: ${JSON.stringify(parsed.errors)}`);
      const { annotations } = parsed.json;
      const id = annotations?.['id'];
      policies.push(
        PolicySource.parse({
          id,
          file: `policies/${name}`,
          ...lineIndex(source)(start),
          text,
          est: parsed.json,
          annotations,
        }),
      );
    }
  }
  return policies;
}

async function load(folder: string, variables: Readonly<Record<string, string>>) {
  const catalogue = await loadCatalogue(join(folder, 'writ.yaml'), variables);
  const model = modelOf(catalogue);
  const policies = await readPolicies(folder);
  const hash = bundleHash(policies, 'test');
  const set = compilePolicies({ v: 1, hash, cedarVersion: 'test', policies }, policyEntities(model));
  return { catalogue, model, policies, set };
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

  it('has policies with an id each that validate strictly against the schema of the catalogue', () => {
    const { policies, model } = loaded;
    expect(new Set(policies.map(({ id }) => id)).size).toBe(policies.length);
    const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
    const validated = cedar.validate({ schema: generateSchema(model), policies: { staticPolicies } });
    expect(validated).toMatchObject({ type: 'success', validationErrors: [], validationWarnings: [] });
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
