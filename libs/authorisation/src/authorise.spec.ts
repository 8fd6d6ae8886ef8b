import { bundleOf } from '../../../test/vectors/cedar-oracle.js';
import { readCatalogue } from '#writ/catalogue';
import { compilePolicies, policyEntities } from '#writ/policy';
import { askedOf } from './asked.js';
import { authorise } from './authorise.js';
import { rulesOf } from './rules.js';

const AGENTS = [{ name: 'ada', teams: [] }];
const CATALOGUE = readCatalogue(
  JSON.stringify({
    version: 1,
    ledger: 'test/default/0',
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
