import type { Json } from '#writ/contracts';
import type { PolicyBundle, PolicySource } from './bundle.js';
import { JsonTable, readJsonTable } from './json-table.js';

const shared = new WeakSet<PolicyBundle>();

/** Says that equal expressions of the bundle are one object already, so that nobody looks for them again. */
export function markShared(bundle: PolicyBundle): PolicyBundle {
  shared.add(bundle);
  return bundle;
}

/** The policies with equal expressions made one object: each is compiled once, and what many ask stays in the processor's cache. */
export function withSharedExpressions(bundle: PolicyBundle): readonly PolicySource[] {
  if (shared.has(bundle)) return bundle.policies;
  const table = new JsonTable();
  const ids = bundle.policies.map(({ est }) =>
    est.conditions.map(({ body }) => (isNode(body) ? table.idOf(body) : undefined)),
  );
  const nodes = readJsonTable(table);
  return bundle.policies.map((source, at) => {
    const conditions = source.est.conditions.map(({ kind, body }, n) => {
      const id = ids[at]?.[n];
      return { kind, body: (id === undefined ? undefined : nodes[id]) ?? body };
    });
    return { ...source, est: { ...source.est, conditions } };
  });
}

function isNode(json: Json): json is object & Json {
  return typeof json === 'object' && json !== null;
}
