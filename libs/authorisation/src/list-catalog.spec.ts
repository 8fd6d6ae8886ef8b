import { readCatalogue } from '#writ/catalogue';
import type { CatalogPage } from '#writ/contracts';
import { bundleHash, compilePolicies, policyEntities, PolicyJson } from '#writ/policy';
import { listCatalog } from './list-catalog.js';
import { type Rules, rulesOf } from './rules.js';

const AGENTS = [
  { name: 'ada', teams: ['staff'] },
  { name: 'gus', teams: [] },
];
const STAFF = { op: 'in', entity: { type: 'Team', id: 'staff' } };
const permit = (action: object, principal: object = STAFF) => ({
  effect: 'permit',
  principal,
  action,
  resource: { op: 'All' },
  conditions: [],
});
const action = (name: string) => ({ op: 'in', entity: { type: 'Action', id: name } });

/** The staff may do everything; anybody may query. */
function rules(namespaces: readonly string[] = ['notes'], description = 'what is known'): Rules {
  const declared = namespaces.map((name) => `  ${name}: { description: ${description} }`);
  const catalogue = readCatalogue(
    `version: 1\nledger: test/default/0\nnamespaces:\n${declared.join('\n')}\n` +
      `destinations: { site: { origin: 'https://example.com' } }\n` +
      `tools: { mail: { kind: function, function: echo, input: { type: object } } }\n`,
    { file: 'writ.yaml', baseDirectory: '.', environment: {} },
  );
  const drafts = [
    permit(action('call')),
    permit(action('memory')),
    permit(action('fetch')),
    permit(action('query'), { op: 'All' }),
  ];
  const policies = drafts.map((est, i) => {
    const id = `p${i}`;
    return {
      set: 'policies' as const,
      id,
      file: 'policies/p.cedar',
      line: 1,
      col: 1,
      text: id,
      est: PolicyJson.parse(est),
      annotations: { id },
    };
  });
  const bundle = { v: 1, hash: bundleHash(policies, '4.0'), cedarVersion: '4.0', policies } as const;
  const entities = policyEntities({
    agents: AGENTS,
    tools: [...catalogue.tools.values()].map(({ name, declaration }) => ({ name, ...declaration })),
    namespaces,
    destinations: [...catalogue.destinations.values()].map(({ declaration }) => declaration),
  });
  return rulesOf(catalogue, compilePolicies(bundle, entities), AGENTS);
}

const names = ({ items }: CatalogPage): readonly string[] => items.map(({ type, name }) => `${type} ${name}`);

describe('listCatalog', () => {
  it('names tools, namespaces with their operations, and destinations', () => {
    const page = listCatalog('ada', {}, rules());
    expect(names(page)).toEqual(['destination site', 'namespace notes', 'tool mail']);
    expect(page.items[1]).toMatchObject({ operations: ['query', 'write', 'delete'] });
  });

  it('does not name what could never be permitted', () => {
    const page = listCatalog('gus', {}, rules());
    expect(page).toEqual({
      v: 1,
      status: 'listed',
      items: [{ type: 'namespace', name: 'notes', description: 'what is known', operations: ['query'] }],
    });
  });

  it('comes in pages of at most 64 KiB that together have everything once', () => {
    const namespaces = Array.from({ length: 70 }, (_, i) => `n${String(i).padStart(2, '0')}`);
    const large = rules(namespaces, 'x'.repeat(1_000));
    const found: string[] = [];
    let page = listCatalog('ada', {}, large);
    for (let pages = 1; ; pages++) {
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(65_536);
      found.push(...names(page));
      if (page.next === undefined) {
        expect(pages).toBe(2);
        break;
      }
      page = listCatalog('ada', { after: page.next }, large);
    }
    expect(found).toEqual(['destination site', ...namespaces.map((name) => `namespace ${name}`), 'tool mail']);
  });
});
