import type { Json } from '#writ/contracts';
import { type Entity, entitySpan, headSpan, placeOfSpan, type PolicyProblem, type PolicySource } from '#writ/policy';
import { linesOfPolicies, withSource } from './place-problems.js';
import { nearest } from './suggest.js';

/** What a configuration and the registry of agents declare by name. Cedar checks actions itself, and records are not declared. */
const DECLARED_TYPES: readonly string[] = ['Agent', 'Team', 'Tool', 'Namespace', 'Host'];

/**
 * Cedar lets a policy name an entity that there is not: a forbid about a misspelt team never fires. It is a warning, because
 * agents and teams come and go while the policies stay.
 */
export function lintEntities(policies: readonly PolicySource[], entities: readonly Entity[]): readonly PolicyProblem[] {
  const declared = new Map(DECLARED_TYPES.map((type) => [type, new Set<string>()]));
  for (const { uid } of entities) declared.get(uid.type)?.add(uid.id);
  return policies.flatMap((policy) => {
    const unknown = [...namedIn(policy.est).values()].filter(({ type, id }) => declared.get(type)?.has(id) === false);
    return withSource(
      unknown.map((named) => problemOf(policy, named, declared.get(named.type) ?? [])),
      linesOfPolicies([policy]),
    );
  });
}

function problemOf(policy: PolicySource, { type, id }: NamedEntity, known: Iterable<string>): PolicyProblem {
  const span = entitySpan(policy.text, { type, id }) ?? headSpan(policy.text);
  const meant = nearest(id, known);
  const message = `there is no \`${type}::${JSON.stringify(id)}\``;
  const help = meant === undefined ? undefined : `did you mean \`${type}::${JSON.stringify(meant)}\`?`;
  const place = placeOfSpan(policy, span);
  return {
    ...{ code: 'POLICY_LINT', rule: 'unknown-entity', severity: 'warning', ...place, message },
    ...(help !== undefined && { help }),
  };
}

interface NamedEntity {
  readonly type: string;
  readonly id: string;
}

/** The entities that stand in a policy, in its scope and in its conditions, each once. */
function namedIn(node: unknown, found = new Map<string, NamedEntity>()): ReadonlyMap<string, NamedEntity> {
  if (typeof node !== 'object' || node === null) return found;
  for (const [name, member] of Object.entries(node as Readonly<Record<string, Json>>)) {
    const named = name === 'entity' || name === '__entity' ? entityOf(member) : undefined;
    if (named === undefined) namedIn(member, found);
    else found.set(JSON.stringify([named.type, named.id]), named);
  }
  return found;
}

/** Undefined for a member of a record literal that has such a name: its own members are expressions. */
function entityOf(json: Json): NamedEntity | undefined {
  if (typeof json !== 'object' || json === null || !('type' in json) || !('id' in json)) return undefined;
  const { type, id } = json;
  return typeof type === 'string' && typeof id === 'string' ? { type, id } : undefined;
}
