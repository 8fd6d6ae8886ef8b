import type { Json } from '#writ/contracts';
import type { PolicyJson, PolicyProblem } from '#writ/policy';
import { lintProblem, namesNobodyAndNothing, type UnnamedPolicy } from './lint.js';

/** Each is evaluated on every request of every agent. */
const UNSCOPED_MAX = 200;
const GROUPS: readonly string[] = ['call', 'memory'];
/** The actions that are no tool. */
export const OWN_ACTIONS: readonly string[] = ['call', 'memory', 'query', 'write', 'delete', 'fetch', 'connect'];
/** A permit with anything else may differ from one that looks the same. */
const PLAIN_ANNOTATIONS: ReadonlySet<string> = new Set(['id', 'description', 'reason_agent']);

/** Writ's rules for all policies together, over all files. */
export function lintSet(policies: readonly UnnamedPolicy[]): readonly PolicyProblem[] {
  return [...duplicateIds(policies), ...tooManyUnscoped(policies), ...permitsWithoutEffect(policies)];
}

/** Every use of an id but the first. */
function duplicateIds(policies: readonly UnnamedPolicy[]): readonly PolicyProblem[] {
  const first = new Map<string, UnnamedPolicy>();
  return policies.flatMap((policy): readonly PolicyProblem[] => {
    const id = policy.annotations['id'] ?? '';
    const known = first.get(id);
    if (known === undefined) first.set(id, policy);
    if (known === undefined || id === '') return [];
    const message = `the id \`${id}\` is taken by ${known.file}:${known.line}`;
    return [lintProblem(policy, { rule: 'duplicate-id', annotation: 'id', message })];
  });
}

function tooManyUnscoped(policies: readonly UnnamedPolicy[]): readonly PolicyProblem[] {
  const unscoped = policies.filter((policy) => namesNobodyAndNothing(policy) && isEveryAction(policy.est.action));
  const firstTooMany = unscoped[UNSCOPED_MAX];
  if (firstTooMany === undefined) return [];
  const message = `${unscoped.length} policies name neither principal nor action nor resource; at most ${UNSCOPED_MAX} may`;
  const help = 'each costs time on every request: name what they are about';
  return [lintProblem(firstTooMany, { rule: 'too-many-unscoped', message, help })];
}

function isEveryAction(scope: PolicyJson['action']): boolean {
  if (scope.op === 'All') return true;
  const entities = 'entities' in scope ? scope.entities : [scope.entity];
  return entities.some(({ id }) => GROUPS.includes(id));
}

/** A permit as it is compared: the clauses that all have to hold. */
interface Permit {
  readonly policy: UnnamedPolicy;
  readonly order: number;
  readonly clauses: ReadonlySet<string>;
}
type Coverers = Map<string, Map<string, Map<string, Permit[]>>>;

/** Permits that a wider permit makes superfluous, or that an unconditional forbid takes back. Both are warnings. */
function permitsWithoutEffect(all: readonly UnnamedPolicy[]): readonly PolicyProblem[] {
  const policies = all.filter(({ set }) => set !== 'obligations');
  const compared = policies.map((policy, order) => ({ policy, order, clauses: clausesOf(policy.est) }));
  const permits = compared.filter(({ policy: { est } }) => est.effect === 'permit');
  // A permit that is refused for being unscoped would shadow every other one.
  const plain = permits.filter(({ policy }) => isPlain(policy) && !namesNobodyAndNothing(policy));
  const forbids = compared.filter(
    ({ policy, clauses }) => policy.est.effect === 'forbid' && clauses.size === 0 && isPlain(policy),
  );
  const [wider, forbidding] = [indexOf(plain), indexOf(forbids)];
  return permits.flatMap((permit) => {
    const forbid = coveringOf(permit, forbidding);
    if (forbid !== undefined) {
      const message = `no request can be permitted by it: ${nameOf(forbid)} forbids all of them`;
      return [lintProblem(permit.policy, { rule: 'forbidden-permit', severity: 'warning', message })];
    }
    const shadow = isPlain(permit.policy) ? coveringOf(permit, wider) : undefined;
    if (shadow === undefined) return [];
    const message = `${nameOf(shadow)} permits everything that this one permits`;
    return [lintProblem(permit.policy, { rule: 'shadowed-permit', severity: 'warning', message })];
  });
}

function isPlain({ annotations }: UnnamedPolicy): boolean {
  return Object.keys(annotations).every((name) => PLAIN_ANNOTATIONS.has(name));
}

function nameOf({ policy: { annotations, file, line } }: Permit): string {
  return `\`${annotations['id'] ?? ''}\` (${file}:${line})`;
}

function clausesOf({ conditions }: PolicyJson): ReadonlySet<string> {
  return new Set(
    conditions.flatMap(({ kind, body }) => {
      const nodes = kind === 'when' ? conjuncts(body) : [body];
      return nodes.map((node) => kind + JSON.stringify(node));
    }),
  );
}

function conjuncts(node: Json): readonly Json[] {
  const and = (node as { readonly '&&'?: { readonly left: Json; readonly right: Json } })['&&'];
  return and === undefined ? [node] : [...conjuncts(and.left), ...conjuncts(and.right)];
}

/** By principal, by action, and by resource with the first clause: few have all of these in common. */
function indexOf(permits: readonly Permit[]): Coverers {
  const index: Coverers = new Map();
  for (const permit of permits) {
    const { principal, action, resource } = permit.policy.est;
    const [first = ''] = permit.clauses;
    for (const name of actionsOf(action)) {
      const byResource = inner(inner(index, ownKey(principal)), name);
      const key = ownKey(resource) + first;
      const list = byResource.get(key);
      if (list === undefined) byResource.set(key, [permit]);
      else list.push(permit);
    }
  }
  return index;
}

function inner<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = new Map<string, V>()));
  return found;
}

/** A policy whose scope is as wide in every part and whose clauses are among those of the permit. */
function coveringOf(permit: Permit, index: Coverers): Permit | undefined {
  const { principal, action, resource } = permit.policy.est;
  const principals = coveringKeys(principal).flatMap((key) => index.get(key) ?? []);
  const firsts = ['', ...permit.clauses];
  const resources = coveringKeys(resource).flatMap((key) => firsts.map((first) => key + first));
  const candidates = actionsOf(action).map((name) => {
    const byResource = principals.flatMap((byAction) =>
      coveringActions(name).flatMap((key) => byAction.get(key) ?? []),
    );
    return new Set(byResource.flatMap((permits) => resources.flatMap((key) => permits.get(key) ?? [])));
  });
  return [...(candidates[0] ?? [])].find(
    (other) => other !== permit && covers(other, permit) && candidates.every((set) => set.has(other)),
  );
}

function covers(other: Permit, permit: Permit): boolean {
  for (const clause of other.clauses) if (!permit.clauses.has(clause)) return false;
  if (other.policy.est.effect === 'forbid') return true;
  // Of two that say the same, the later one is superfluous.
  return other.order < permit.order || !saysTheSame(other, permit);
}

function saysTheSame(
  { policy: { est: a }, clauses }: Permit,
  { policy: { est: b }, clauses: others }: Permit,
): boolean {
  const key = ({ principal, action, resource }: PolicyJson) => JSON.stringify([principal, actionsOf(action), resource]);
  return clauses.size === others.size && key(a) === key(b);
}

function ownKey(scope: PolicyJson['principal']): string {
  return coveringKeys(scope).at(-1) ?? '*';
}

/** The scopes that let through everything that this one does; the last one is its own. */
function coveringKeys(scope: PolicyJson['principal']): readonly string[] {
  switch (scope.op) {
    case 'All':
      return ['*'];
    case '==': {
      const { type, id } = scope.entity;
      const entity = JSON.stringify([type, id]);
      return ['*', `is ${type}`, `in ${entity}`, `is ${type} in ${entity}`, `== ${entity}`];
    }
    case 'in':
      return ['*', `in ${JSON.stringify([scope.entity.type, scope.entity.id])}`];
    case 'is': {
      if (scope.in === undefined) return ['*', `is ${scope.entity_type}`];
      const within = `in ${JSON.stringify([scope.in.entity.type, scope.in.entity.id])}`;
      return ['*', `is ${scope.entity_type}`, within, `is ${scope.entity_type} ${within}`];
    }
  }
}

/** The actions of a scope; `*` for any. `==` and `in` are the same for all but the groups, which nobody requests. */
export function actionsOf(scope: PolicyJson['action']): readonly string[] {
  if (scope.op === 'All') return ['*'];
  if (scope.op === '==' && GROUPS.includes(scope.entity.id)) return [`== ${scope.entity.id}`];
  return ('entities' in scope ? scope.entities : [scope.entity]).map(({ id }) => id);
}

function coveringActions(name: string): readonly string[] {
  if (name === '*') return ['*'];
  const group = OWN_ACTIONS.includes(name) ? (['query', 'write', 'delete'].includes(name) ? 'memory' : name) : 'call';
  return [...new Set(['*', group, name])];
}
