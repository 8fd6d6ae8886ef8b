import { type CatalogItem, type CatalogPage, type CatalogRequest } from '#writ/contracts';
import { couldPermit, type PolicySet, uids } from '#writ/policy';
import type { Rules } from './rules.js';

/** Bytes that the items of one page may have: what is around them fits into the 64 KiB of an answer. */
const PAGE_BYTES_MAX = 60_000;
const OPERATIONS = ['query', 'write', 'delete'] as const;

/**
 * What the agent could use at all: a tool, a namespace with its operations, or a destination is listed when circumstances exist
 * in which a policy permits it. The rest is not named. One page; `next` says where the following one starts.
 */
export function listCatalog(agent: string, { after }: Pick<CatalogRequest, 'after'>, rules: Rules): CatalogPage {
  const items: CatalogItem[] = [];
  let bytes = 0;
  for (const item of itemsFor(agent, rules)) {
    if (after !== undefined && keyOf(item) <= after) continue;
    const fitting = fit(item);
    bytes += Buffer.byteLength(JSON.stringify(fitting)) + 1;
    const last = items.at(-1);
    if (bytes > PAGE_BYTES_MAX && last !== undefined) return { v: 1, status: 'listed', items, next: keyOf(last) };
    items.push(fitting);
  }
  return { v: 1, status: 'listed', items };
}

/** Sorts items, and says where a page ended. It names nothing that was not on that page. */
function keyOf({ type, name }: CatalogItem): string {
  return `${type}/${name}`;
}

/** A schema that fills a page by itself is left out, and that is said. */
function fit(item: CatalogItem): CatalogItem {
  if (item.type !== 'tool' || Buffer.byteLength(JSON.stringify(item)) <= PAGE_BYTES_MAX) return item;
  const { input: _input, ...rest } = item;
  return { ...rest, inputOmitted: true };
}

const listed = new WeakMap<PolicySet, Map<string, readonly CatalogItem[]>>();

/** The same for an agent as long as the policies are the same, so pages of one list belong together. */
function itemsFor(agent: string, rules: Rules): readonly CatalogItem[] {
  let byAgent = listed.get(rules.policies);
  if (byAgent === undefined) listed.set(rules.policies, (byAgent = new Map<string, readonly CatalogItem[]>()));
  let items = byAgent.get(agent);
  // INVARIANT: only registered agents are asked for, so there are few.
  if (items === undefined) byAgent.set(agent, (items = findItems(agent, rules)));
  return items;
}

function findItems(agent: string, { catalogue, policies }: Rules): readonly CatalogItem[] {
  const principal = uids.agent(agent);
  const tools = [...catalogue.tools.values()]
    .filter(({ name }) => couldPermit(policies, { principal, action: uids.action(name), resource: uids.tool(name) }))
    .map(({ name, declaration: { description, input, idempotent, timeoutMs } }): CatalogItem => {
      const hints = { idempotent, timeoutMs };
      return { type: 'tool', name, ...(description !== undefined && { description }), input, hints };
    });
  const namespaces = [...catalogue.namespaces.values()].flatMap(({ name, declaration: { description } }) => {
    const resource = { anyRecordOf: uids.namespace(name) };
    const operations = OPERATIONS.filter((operation) =>
      couldPermit(policies, { principal, action: uids.action(operation), resource }),
    );
    if (operations.length === 0) return [];
    return [{ type: 'namespace' as const, name, ...(description !== undefined && { description }), operations }];
  });
  const destinations = [...catalogue.destinations.values()]
    .filter(({ declaration: { origin } }) => {
      const resource = uids.host(new URL(origin).host);
      return couldPermit(policies, { principal, action: uids.action('fetch'), resource });
    })
    .map(({ name, declaration: { origin, methods, paths } }): CatalogItem => {
      return { type: 'destination', name, origin, methods, paths };
    });
  return [...destinations, ...namespaces, ...tools].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
