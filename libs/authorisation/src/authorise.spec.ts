import { bundleOf } from '../../../test/vectors/cedar-oracle.js';
import { readCatalogue } from '#writ/catalogue';
import { parseActionRequest } from '#writ/contracts';
import { compilePolicies, evaluatePredicate, policyEntities } from '#writ/policy';
import { askedOf } from './asked.js';
import { authorise } from './authorise.js';
import { rulesOf } from './rules.js';

const AGENTS = [{ name: 'ada', teams: [] }];
const CATALOGUE = readCatalogue(
  JSON.stringify({
    version: 1,
    ledger: 'test/default/0',
    namespaces: { notes: {} },
    tools: {
      mail: {
        kind: 'function',
        function: 'noop',
        input: { type: 'object', required: ['text'], properties: { text: { type: 'string' } } },
      },
    },
  }),
  { file: 'writ.yaml', baseDirectory: '.', environment: {} },
);
const OBLIGATIONS = JSON.stringify([{ type: 'redact', target: 'input', detectors: ['email'] }]);

function mailed(text: string) {
  const permit = `permit (principal == Agent::"ada", action == Action::"mail", resource);`;
  const bundle = bundleOf({ mails: permit });
  const policies = bundle.policies.map((policy) => ({ ...policy, annotations: { obligations: OBLIGATIONS } }));
  const tools = [...CATALOGUE.tools.values()].map(({ name, declaration }) => ({ name, ...declaration }));
  const entities = policyEntities({ agents: AGENTS, tools, namespaces: [], destinations: [] });
  const rules = rulesOf(CATALOGUE, compilePolicies({ ...bundle, policies }, entities), AGENTS);
  const request = { kind: 'tool.call', v: 1, call: 'c', tool: 'mail', args: { text } } as const;
  const asker = { agent: 'ada', session: { callsToday: 0 }, nowMs: Date.parse('2026-11-22T10:00:00Z') };
  return authorise(request, { ...asker, asked: askedOf(request) }, rules);
}

describe('authorise', () => {
  it('hands over what is left of the arguments when policy obliges to redact them', () => {
    const { decision, args, redactions } = mailed('to ada@example.com');
    expect(decision.effect).toBe('permit');
    expect(args).toEqual({ text: 'to [redacted:email]' });
    expect(redactions).toEqual([{ path: '/text', kind: 'email', n: 1 }]);
  });

  it('denies, by the permits that oblige, what an agent wrote so that it cannot be looked through', () => {
    // JSON in a string is looked through as JSON is, and this nests deeper than anybody looks.
    const { decision, redactions } = mailed('['.repeat(80) + '"ada@example.com"' + ']'.repeat(80));
    expect(decision).toMatchObject({
      effect: 'forbid',
      code: 'obligation_unenforceable',
      determining: [{ id: 'mails' }],
      obligations: [],
    });
    expect(redactions).toEqual([]);
  });
});

/** Ada may write what is hers and public. What came from outside is marked, whichever permit lets it be written. */
const GRANTS = {
  'writes-public': `permit (principal == Agent::"ada", action == Action::"write", resource in Namespace::"notes")
    when { ["public", "draft"].containsAll(resource.labels) };`,
  'reads-public': `permit (principal == Agent::"ada", action in [Action::"query", Action::"delete"], resource in Namespace::"notes")
    when { resource.labels.contains("public") };`,
};

function memory(
  kind: 'memory.query' | 'memory.write' | 'memory.delete',
  body: object,
  policies: Record<string, string>,
) {
  const entities = policyEntities({ agents: AGENTS, tools: [], namespaces: ['notes'], destinations: [] });
  const rules = rulesOf(CATALOGUE, compilePolicies(bundleOf(policies), entities), AGENTS);
  const request = parseActionRequest(kind, { v: 1, call: 'c', namespace: 'notes', ...body });
  const asker = { agent: 'ada', session: { callsToday: 0 }, nowMs: Date.parse('2026-11-22T10:00:00Z') };
  return authorise(request, { ...asker, asked: askedOf(request) }, rules);
}

describe('authorise a memory operation', () => {
  const write = (record: object, policies = GRANTS) =>
    memory('memory.write', { records: [{ text: 'a summary', ...record }] }, policies);

  it('MEMORY-04: grants no label that policy does not let the agent write, also not beside one that it may', () => {
    expect(write({ labels: ['public'] }).decision.effect).toBe('permit');
    expect(write({ labels: [] }).decision.effect).toBe('permit');
    for (const labels of [['trusted'], ['public', 'trusted'], ['Public']]) {
      expect(write({ labels }).decision.effect).toBe('forbid');
    }
    const records = [
      { text: 'a', labels: ['public'] },
      { text: 'b', labels: ['trusted'] },
    ];
    expect(memory('memory.write', { records }, GRANTS).decision.effect).toBe('forbid');
  });

  it('MEMORY-04: lets a write replace no record with labels that the agent could not have written', () => {
    const { filter } = write({ id: 'page', labels: ['public'] });
    const mayReplace = (labels: readonly string[]) =>
      filter !== undefined && evaluatePredicate(filter, { id: 'page', owner: 'ada', labels });
    expect(mayReplace(['public'])).toBe(true);
    // What policy marked as coming from outside stays so: the agent cannot put the same text there without the label.
    expect(mayReplace(['public', 'untrusted'])).toBe(false);
  });

  it('lets a write replace whatever is there when policy looks at no record, and asks nothing when no id is given', () => {
    const all = {
      writes: 'permit (principal == Agent::"ada", action == Action::"write", resource in Namespace::"notes");',
    };
    expect(write({ id: 'page' }, all as unknown as typeof GRANTS).filter).toEqual({ op: 'true' });
    expect(write({}).filter).toBeUndefined();
  });

  it("leaves the filter to the policies: the agent's own goes with the arguments, and a query by ids is a query", () => {
    const where = { op: 'true' };
    const { filter, args, decision } = memory('memory.query', { ids: ['a', 'b', 'c'], where }, GRANTS);
    expect(decision.effect).toBe('permit');
    expect(filter).toEqual({ op: 'contains', field: 'labels', value: 'public' });
    expect(args).toEqual({ ids: ['a', 'b', 'c'], k: 3, where });
    const few = { few: `${GRANTS['reads-public'].slice(0, -3)} && context.input.k <= 2 };` };
    expect(memory('memory.query', { ids: ['a', 'b', 'c'] }, few).decision.effect).toBe('forbid');
  });

  it.each([
    ['in SQL', "owner = 'ada' or 1=1"],
    ['on a column that is none of a record', { op: 'eq', field: 'tenant', value: 'x' }],
    ['with more parts than a filter may have', { op: 'or', args: Array.from({ length: 100 }, () => ({ op: 'true' })) }],
    ['with a member that nobody knows', { op: 'eq', field: 'id', value: 'a', raw: 'true' }],
  ])('EGRESS-11: refuses a filter of the agent %s', (_case, where) => {
    for (const [kind, body] of [
      ['memory.query', { text: 'a' }],
      ['memory.delete', { ids: ['a'] }],
    ] as const) {
      expect(() => memory(kind, { ...body, where }, GRANTS)).toThrow(
        expect.objectContaining({ code: 'INPUT_INVALID' }),
      );
    }
  });
});
