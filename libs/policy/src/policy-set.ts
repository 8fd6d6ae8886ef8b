import { policyFault, type PolicyProblem } from './problems.js';
import type { Entity, PolicyBundle } from './bundle.js';
import { type CompiledPolicy, type CompiledScope, compilePolicy } from './compile-policy.js';
import { EntityStore } from './entity-store.js';
import { RECORD_TYPE } from './outcome.js';
import { type EntityRef, Unsupported } from './values.js';

/** The policies whose scope matches a request. */
export interface Candidates {
  readonly forbids: readonly CompiledPolicy[];
  readonly permits: readonly CompiledPolicy[];
}

/** How many (principal, action, resource) triples have their candidates remembered. */
const CANDIDATES_MAX = 65_536;

/**
 * Compiled policies with an index over their scopes. It never changes but for what it remembers: other policies or
 * entities are another set, and swapping one pointer activates it.
 */
export class PolicySet {
  readonly size: number;
  /** Forbids whose scope names one memory record: a filter over records not known yet cannot keep to them. */
  readonly singleRecordForbids: readonly CompiledPolicy[];
  readonly #index = new Map<string, CompiledPolicy[]>();
  #remembered = new Map<EntityRef, Map<EntityRef, Map<EntityRef, Candidates>>>();
  #rememberedCount = 0;

  constructor(
    /** Hash of the bundle; every decision cites it. */
    readonly hash: string,
    readonly store: EntityStore,
    readonly policies: readonly CompiledPolicy[],
  ) {
    this.size = policies.length;
    this.singleRecordForbids = policies.filter(
      (policy) => !policy.isPermit && policy.resource.entity?.type === RECORD_TYPE,
    );
    for (const policy of policies) {
      for (const action of policy.actions) {
        const key = indexKey(scopeKey(action), scopeKey(policy.principal), scopeKey(policy.resource));
        const list = this.#index.get(key);
        if (list === undefined) this.#index.set(key, [policy]);
        else list.push(policy);
      }
    }
  }

  /** The policies in scope, in bundle order. */
  candidates(principal: EntityRef, action: EntityRef, resource: EntityRef): Candidates {
    const [p, a, r] = [principal.candidateKey, action.candidateKey, resource.candidateKey];
    if (p === undefined || a === undefined || r === undefined) return this.#search(principal, action, resource);
    const known = this.#remembered.get(p)?.get(a)?.get(r);
    return known ?? this.#remember([p, a, r], this.#search(p, a, r));
  }

  #remember([principal, action, resource]: readonly [EntityRef, EntityRef, EntityRef], found: Candidates): Candidates {
    if (++this.#rememberedCount > CANDIDATES_MAX) {
      this.#remembered = new Map();
      this.#rememberedCount = 1;
    }
    const byAction = getOrAdd(this.#remembered, principal, () => new Map<EntityRef, Map<EntityRef, Candidates>>());
    getOrAdd(byAction, action, () => new Map<EntityRef, Candidates>()).set(resource, found);
    return found;
  }

  #search(principal: EntityRef, action: EntityRef, resource: EntityRef): Candidates {
    const found = new Set<CompiledPolicy>();
    const [principalKeys, resourceKeys] = [entityKeys(principal), entityKeys(resource)];
    for (const actionKey of entityKeys(action)) {
      for (const principalKey of principalKeys) {
        for (const resourceKey of resourceKeys) {
          for (const policy of this.#index.get(indexKey(actionKey, principalKey, resourceKey)) ?? []) {
            if (hasType(policy.principal, principal) && hasType(policy.resource, resource)) found.add(policy);
          }
        }
      }
    }
    const inOrder = [...found].sort((a, b) => a.order - b.order);
    return {
      forbids: inOrder.filter((policy) => !policy.isPermit),
      permits: inOrder.filter((policy) => policy.isPermit),
    };
  }
}

/**
 * Compiles a bundle against the entities. Throws one Fault that names every policy, with file, line and column, that uses
 * something not implemented here (POLICY_UNSUPPORTED) or has obligations that cannot be enforced (POLICY_LINT).
 */
export function compilePolicies(bundle: PolicyBundle, entities: readonly Entity[]): PolicySet {
  const store = storeOf(entities);
  const policies: CompiledPolicy[] = [];
  const problems: PolicyProblem[] = [];
  for (const [order, source] of bundle.policies.entries()) {
    const compiled = compilePolicy(source, order, store);
    if ('code' in compiled) problems.push(compiled);
    else policies.push(compiled);
  }
  if (problems.length > 0) throw policyFault(problems);
  return new PolicySet(bundle.hash, store, policies);
}

function storeOf(entities: readonly Entity[]): EntityStore {
  try {
    return new EntityStore(entities);
  } catch (thrown) {
    if (!(thrown instanceof Unsupported)) throw thrown;
    const message = `${thrown.message} in the entity data is not supported`;
    throw policyFault([{ code: 'POLICY_UNSUPPORTED', file: 'entities', line: 1, col: 1, message }]);
  }
}

/** `=` is exactly that entity, `^` it or below it, `T` any of a type, `*` anything. */
function scopeKey(scope: CompiledScope): string {
  if (scope.entity !== undefined) return (scope.isExact ? '=' : '^') + scope.entity.uid;
  return scope.type === undefined ? '*' : `T${scope.type}`;
}

function entityKeys(entity: EntityRef): readonly string[] {
  const keys = ['*', `T${entity.type}`];
  // A stand-in is none of the entities that a policy can name, whatever its id reads.
  if (!entity.isStandIn) keys.push(`=${entity.uid}`, `^${entity.uid}`);
  for (const ancestor of entity.ancestors) keys.push(`^${ancestor.uid}`);
  return keys;
}

function indexKey(action: string, principal: string, resource: string): string {
  return `${action}\0${principal}\0${resource}`;
}

function hasType(scope: CompiledScope, entity: EntityRef): boolean {
  return scope.type === undefined || scope.type === entity.type;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
