import type { JsonObject, Obligation } from '#writ/contracts';
import type { Entity, EntityUid } from './bundle.js';
import type { Environment } from './compile-expression.js';
import { type CompiledPolicy, isSatisfied, type PolicyPlace } from './compile-policy.js';
import { findNearMisses, type NearMiss } from './near-miss.js';
import { mergeObligations } from './obligations.js';
import type { PolicySet } from './policy-set.js';
import { EvaluationError, type EntityRef } from './values.js';

/** What is to be decided. The context is plain JSON, typed by the tool's schema before; its escapes mean nothing. */
export interface PolicyRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  /** An entity of the store, or one that the request brings along with its attributes: a Record. */
  readonly resource: EntityUid | Entity;
  readonly context: JsonObject;
}

export type PolicyCode =
  'permit' | 'policy_forbids' | 'no_policy_permits' | 'forbid_evaluation_error' | 'obligation_unenforceable';

/** Why a decision, or a filter, is what it is. */
export interface PolicyReasons {
  readonly code: PolicyCode;
  /** The policies that made the decision, all of them, in bundle order. */
  readonly determining: readonly PolicyPlace[];
  /** Policies that could not be evaluated. A permit that errors does not fire; a forbid that errors denies. */
  readonly errors: readonly PolicyError[];
  readonly obligations: readonly Obligation[];
  /** What the author of the first deciding policy lets the agent know. */
  readonly reasonForAgent: string | undefined;
  /** For a default deny: the permits that came nearest. For operators only; computed when it is first read. */
  readonly near: readonly NearMiss[];
}

export interface PolicyDecision extends PolicyReasons {
  readonly effect: 'permit' | 'forbid';
}

export interface PolicyError {
  readonly id: string;
  readonly message: string;
}

/**
 * Decides one request. No satisfied permit forbids, any satisfied forbid forbids, order never matters; stricter than
 * Cedar, a forbid that cannot be evaluated forbids, and so does a permit with obligations that cannot be evaluated.
 */
export function decide(set: PolicySet, request: PolicyRequest): PolicyDecision {
  const environment = resolve(set, request);
  const { forbids, permits } = set.candidates(environment.principal, environment.action, environment.resource);
  const forbidding = run(forbids, environment);
  if (forbidding.satisfied.length > 0) return forbidden('policy_forbids', forbidding.satisfied, forbidding.errors);
  if (forbidding.failed.length > 0) {
    return forbidden('forbid_evaluation_error', forbidding.failed, forbidding.errors);
  }
  const permitting = run(permits, environment);
  if (permitting.satisfied.length === 0) return new DefaultDeny(set, environment, permitting.errors);
  // It cannot be known whether its obligations apply, so nothing is permitted without them.
  const unenforceable = permitting.failed.filter((policy) => policy.obligations.length > 0);
  if (unenforceable.length > 0) return forbidden('obligation_unenforceable', unenforceable, permitting.errors);
  return permitted(permitting.satisfied, permitting.errors);
}

/** The entities of a request. Equal names are one object, known or not. */
export function resolve(set: PolicySet, request: PolicyRequest): Environment {
  const principal = set.store.find(request.principal);
  const { resource } = request;
  return {
    principal,
    action: set.store.find(request.action),
    resource: 'uid' in resource ? set.store.bring(resource) : findResource(set, resource, principal),
    context: request.context,
  };
}

function findResource(set: PolicySet, resource: EntityUid, principal: EntityRef): EntityRef {
  const isPrincipal = resource.id === principal.id && resource.type === principal.type;
  return isPrincipal ? principal : set.store.find(resource);
}

interface Run {
  readonly satisfied: readonly CompiledPolicy[];
  readonly failed: readonly CompiledPolicy[];
  readonly errors: readonly PolicyError[];
}

const NONE: readonly never[] = Object.freeze([]);
const NOTHING: Run = { satisfied: NONE, failed: NONE, errors: NONE };

function run(policies: readonly CompiledPolicy[], environment: Environment): Run {
  let satisfied: CompiledPolicy[] | undefined;
  let failed: CompiledPolicy[] | undefined;
  let errors: PolicyError[] | undefined;
  for (const policy of policies) {
    try {
      if (isSatisfied(policy, environment)) (satisfied ??= []).push(policy);
    } catch (thrown) {
      if (!(thrown instanceof EvaluationError)) throw thrown;
      (failed ??= []).push(policy);
      (errors ??= []).push({ id: policy.source.id, message: thrown.message });
    }
  }
  if (satisfied === undefined && failed === undefined) return NOTHING;
  return { satisfied: satisfied ?? NONE, failed: failed ?? NONE, errors: errors ?? NONE };
}

function permitted(policies: readonly CompiledPolicy[], errors: readonly PolicyError[]): PolicyDecision {
  const [only] = policies;
  const obligations =
    policies.length === 1 && only !== undefined
      ? only.obligations
      : mergeObligations(policies.map((p) => p.obligations));
  return {
    effect: 'permit',
    code: 'permit',
    determining: placesOf(policies),
    errors,
    obligations,
    reasonForAgent: reasonOf(policies),
    near: NONE,
  };
}

function forbidden(
  code: PolicyCode,
  policies: readonly CompiledPolicy[],
  errors: readonly PolicyError[],
): PolicyDecision {
  return {
    effect: 'forbid',
    code,
    determining: placesOf(policies),
    errors,
    obligations: NONE,
    reasonForAgent: reasonOf(policies),
    near: NONE,
  };
}

/** Near misses cost more than the decision, so they are looked for when somebody reads them. */
class DefaultDeny implements PolicyDecision {
  readonly effect = 'forbid';
  readonly code = 'no_policy_permits';
  readonly determining = NONE;
  readonly obligations = NONE;
  readonly reasonForAgent = undefined;
  readonly #set: PolicySet;
  readonly #environment: Environment;
  #near: readonly NearMiss[] | undefined;

  constructor(
    set: PolicySet,
    environment: Environment,
    readonly errors: readonly PolicyError[],
  ) {
    this.#set = set;
    this.#environment = environment;
  }

  get near(): readonly NearMiss[] {
    return (this.#near ??= findNearMisses(this.#set, this.#environment));
  }
}

export function placesOf(policies: readonly CompiledPolicy[]): readonly PolicyPlace[] {
  const [only] = policies;
  return policies.length === 1 && only !== undefined ? only.places : policies.map((policy) => policy.place);
}

export function reasonOf(policies: readonly CompiledPolicy[]): string | undefined {
  for (const { reasonForAgent } of policies) if (reasonForAgent !== undefined) return reasonForAgent;
  return undefined;
}
