import { policyFault, type PolicyProblem } from './problems.js';
import type { Entity, PolicyBundle, PolicySource } from './bundle.js';
import { type CompiledPolicy, type CompiledScope, compilePolicy } from './compile-policy.js';
import { EntityStore } from './entity-store.js';
import { RECORD_TYPE } from './outcome.js';
import { markShared, withSharedExpressions } from './shared-expressions.js';
import { type EntityRef, Unsupported } from './values.js';

/** The policies whose scope matches a request. */
export interface Candidates {
  readonly forbids: readonly CompiledPolicy[];
  readonly permits: readonly CompiledPolicy[];
}

/** How many (principal, action, resource) triples have their candidates remembered. */
const CANDIDATES_MAX = 65_536;

/** What a set has besides its enforced policies. */
interface PolicySetParts {
  readonly entities?: readonly Entity[];
  readonly obligations?: PolicySet;
  readonly logOnly?: PolicySet;
}

/**
 * Compiled policies with an index over their scopes. It never changes but for what it remembers: other policies or
 * entities are another set, and swapping one pointer activates it.
 */
export class PolicySet {
  readonly size: number;
  /** What the store was made of: with the texts of the policies, everything that another evaluator needs. */
  readonly entities: readonly Entity[];
  /** Permits whose obligations hold on every allow that they match; they permit nothing. */
  readonly obligations: PolicySet | undefined;
  /** Evaluated and reported, never enforced. */
  readonly logOnly: PolicySet | undefined;
  /** Forbids whose scope names one memory record: a filter over records not known yet cannot keep to them. */
  readonly singleRecordForbids: readonly CompiledPolicy[];
  /** By action, principal and resource of the scope. */
  readonly #index = new Map<string, Map<string, Map<string, CompiledPolicy[]>>>();
  #remembered = new Map<EntityRef, Map<EntityRef, Map<EntityRef, Candidates>>>();
  #rememberedCount = 0;
  /** Most requests share their candidates with many others: each list is there once, so that it stays in the processor's cache. */
  #lists = new Map<string, readonly CompiledPolicy[]>();
  #pairs = new Map<string, Candidates>();

  constructor(
    /** Hash of the bundle; every decision cites it. */
    readonly hash: string,
    readonly store: EntityStore,
    /** Those that are enforced. */
    readonly policies: readonly CompiledPolicy[],
    { entities = [], obligations, logOnly }: PolicySetParts = {},
  ) {
    this.entities = entities;
    this.obligations = obligations;
    this.logOnly = logOnly;
    this.size = policies.length + (obligations?.size ?? 0) + (logOnly?.size ?? 0);
    this.singleRecordForbids = policies.filter(
      (policy) => !policy.isPermit && policy.resource.entity?.type === RECORD_TYPE,
    );
    for (const policy of policies) {
      for (const action of policy.actions) {
        const byResource = getOrAdd(getOrAdd(this.#index, scopeKey(action)), scopeKey(policy.principal));
        const list = byResource.get(scopeKey(policy.resource));
        if (list === undefined) byResource.set(scopeKey(policy.resource), [policy]);
        else list.push(policy);
      }
    }
  }

  /** All that the bundle holds, enforced or not. */
  get sources(): readonly PolicySource[] {
    const all = [...this.policies, ...(this.obligations?.policies ?? []), ...(this.logOnly?.policies ?? [])];
    return all.map(({ source }) => source);
  }

  /** The policies in scope, in bundle order. */
  candidates(principal: EntityRef, action: EntityRef, resource: EntityRef): Candidates {
    const p = principal.candidateKey;
    const a = action.candidateKey;
    const r = resource.candidateKey;
    if (p === undefined || a === undefined || r === undefined) return this.#search(principal, action, resource);
    const known = this.#remembered.get(p)?.get(a)?.get(r);
    if (known !== undefined) return known;
    if (++this.#rememberedCount > CANDIDATES_MAX) {
      this.#remembered = new Map();
      this.#lists = new Map();
      this.#pairs = new Map();
      this.#rememberedCount = 1;
    }
    const found = this.#onlyOne(this.#search(p, a, r));
    getOrAdd(getOrAdd(this.#remembered, p), a).set(r, found);
    return found;
  }

  /** The same candidates as before, when there were such. */
  #onlyOne({ forbids, permits }: Candidates): Candidates {
    const [forbidsKey, permitsKey] = [keyOfList(forbids), keyOfList(permits)];
    const key = `${forbidsKey} ${permitsKey}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      pair = {
        forbids: getOrSet(this.#lists, forbidsKey, forbids),
        permits: getOrSet(this.#lists, permitsKey, permits),
      };
      this.#pairs.set(key, pair);
    }
    return pair;
  }

  #search(principal: EntityRef, action: EntityRef, resource: EntityRef): Candidates {
    const found = new Set<CompiledPolicy>();
    const principalKeys = entityKeys(principal);
    const resourceKeys = entityKeys(resource);
    for (const byPrincipal of valuesAt(this.#index, entityKeys(action))) {
      for (const byResource of valuesAt(byPrincipal, principalKeys)) {
        for (const policies of valuesAt(byResource, resourceKeys)) {
          for (const policy of policies) {
            if (hasType(policy.principal, principal) && hasType(policy.resource, resource)) found.add(policy);
          }
        }
      }
    }
    const inOrder = [...found].sort((a, b) => a.order - b.order);
    const forbids = inOrder.filter((policy) => !policy.isPermit);
    return { forbids, permits: inOrder.filter((policy) => policy.isPermit) };
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
  for (const [order, source] of withSharedExpressions(bundle).entries()) {
    const compiled = compilePolicy(source, order, store);
    if ('code' in compiled) problems.push(compiled);
    else policies.push(compiled);
  }
  if (problems.length > 0) throw policyFault(problems);
  const isObligation = ({ source }: CompiledPolicy): boolean => source.set === 'obligations';
  const setOf = (chosen: readonly CompiledPolicy[]) => new PolicySet(bundle.hash, store, chosen);
  const obligations = policies.filter(isObligation);
  const [logOnly, enforced] = [true, false].map((wanted) =>
    policies.filter((policy) => !isObligation(policy) && policy.isLogOnly === wanted),
  ) as [CompiledPolicy[], CompiledPolicy[]];
  return new PolicySet(bundle.hash, store, enforced, {
    entities,
    ...(obligations.length > 0 && { obligations: setOf(obligations) }),
    ...(logOnly.length > 0 && { logOnly: setOf(logOnly) }),
  });
}

/** The same policies over other entities. Throws POLICY_UNSUPPORTED for what entity data may not hold. */
export function withEntities(set: PolicySet, entities: readonly Entity[]): PolicySet {
  return compilePolicies(markShared({ v: 1, hash: set.hash, cedarVersion: '-', policies: [...set.sources] }), entities);
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

function hasType(scope: CompiledScope, entity: EntityRef): boolean {
  return scope.type === undefined || scope.type === entity.type;
}

function keyOfList(policies: readonly CompiledPolicy[]): string {
  return policies.map(({ order }) => order).join();
}

function getOrSet<V>(map: Map<string, V>, key: string, value: V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  map.set(key, value);
  return value;
}

function* valuesAt<V>(map: ReadonlyMap<string, V>, keys: readonly string[]): Iterable<V> {
  for (const key of keys) {
    const value = map.get(key);
    if (value !== undefined) yield value;
  }
}

function getOrAdd<K, InnerK, InnerV>(map: Map<K, Map<InnerK, InnerV>>, key: K): Map<InnerK, InnerV> {
  let inner = map.get(key);
  if (inner === undefined) map.set(key, (inner = new Map<InnerK, InnerV>()));
  return inner;
}
