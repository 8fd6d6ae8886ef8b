import type { Obligation, Remedy } from '#writ/contracts';
import type { Entity, EntityUid } from './bundle.js';
import type { Environment } from './compile-expression.js';
import { type CompiledPolicy, isSatisfied, type PolicyPlace } from './compile-policy.js';
import type { EntityStore } from './entity-store.js';
import type { PolicyContext } from './evaluator.js';
import { findHeldClauses, findNearMisses, type HeldClause, type NearMiss } from './near-miss.js';
import { mergeObligations } from './obligations.js';
import type { PolicySet } from './policy-set.js';
import { EvaluationError, type EntityRef } from './values.js';

/** What is to be decided. The context is typed by the tool's schema before; escapes in its JSON mean nothing. */
export interface PolicyRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  /** An entity of the store, or one that the request brings along with its attributes: a Record. */
  readonly resource: EntityUid | Entity;
  readonly context: PolicyContext;
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
  /** For a denial by forbids: what held in them, with what it read. For operators only; computed when it is first read. */
  readonly held: readonly HeldClause[];
  /** What would make this denial an allow; empty when nothing would. */
  readonly remedies: readonly PolicyRemedy[];
  /** Policies in `log_only` mode that would have fired: they decided nothing. */
  readonly logged: readonly PolicyPlace[];
}

/** A remedy, and the forbid that names it. */
export interface PolicyRemedy extends Remedy {
  readonly policy: string;
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
  const logged = set.logOnly === undefined ? NONE : wouldFire(set.logOnly, environment);
  const about = { store: set.store, environment, logged };
  const { forbids, permits } = set.candidates(environment.principal, environment.action, environment.resource);
  const { satisfied, failed, errors } = run(forbids, environment);
  if (satisfied.length > 0) {
    const remedies = failed.length > 0 ? NONE : remediesOf(satisfied, () => isPermitted(set, permits, environment));
    return new Forbidden('policy_forbids', { satisfied, errors }, about, remedies);
  }
  if (failed.length > 0) return new Forbidden('forbid_evaluation_error', { satisfied: failed, errors }, about);
  const granted = permitting(set, permits, environment);
  if ('satisfied' in granted) return permitted(granted, logged);
  const { unenforceable } = granted;
  if (unenforceable.length === 0) return new DefaultDeny(set, environment, granted.errors, logged);
  const deciding = { satisfied: unenforceable, errors: granted.errors };
  return new Forbidden('obligation_unenforceable', deciding, about);
}

function isPermitted(set: PolicySet, permits: readonly CompiledPolicy[], environment: Environment): boolean {
  return 'satisfied' in permitting(set, permits, environment);
}

interface Granted {
  readonly satisfied: readonly CompiledPolicy[];
  readonly errors: readonly PolicyError[];
  readonly obligations: readonly Obligation[];
}

interface NotGranted {
  /** Policies whose obligations may apply, which nobody can tell; empty when no permit was satisfied. */
  readonly unenforceable: readonly CompiledPolicy[];
  readonly errors: readonly PolicyError[];
}

/** What the permits say when no forbid speaks: the ones that hold, with all that they and the obligations oblige to. */
function permitting(
  set: PolicySet,
  permits: readonly CompiledPolicy[],
  environment: Environment,
): Granted | NotGranted {
  const { satisfied, failed, errors } = run(permits, environment);
  if (satisfied.length === 0) return { unenforceable: NONE, errors };
  // It cannot be known whether its obligations apply, so nothing is permitted without them.
  const unenforceable = failed.length === 0 ? NONE : failed.filter(hasObligations);
  if (unenforceable.length > 0) return { unenforceable, errors };
  const own = obligationsOf(satisfied);
  if (set.obligations === undefined) return { satisfied, errors, obligations: own };
  const obliging = set.obligations.candidates(environment.principal, environment.action, environment.resource);
  const more = run(obliging.permits, environment);
  const all = more.errors.length === 0 ? errors : [...errors, ...more.errors];
  if (more.failed.length > 0) return { unenforceable: more.failed, errors: all };
  return { satisfied, errors: all, obligations: mergeObligations([own, obligationsOf(more.satisfied)]) };
}

/** The remedies of a denial that every deciding forbid has one for, and that nothing else stands behind. */
export function remediesOf(forbids: readonly CompiledPolicy[], isPermitted: () => boolean): readonly PolicyRemedy[] {
  if (forbids.some(({ remedy }) => remedy === undefined) || !isPermitted()) return NONE;
  return forbids.flatMap(({ source, remedy }) => (remedy === undefined ? [] : [{ policy: source.id, ...remedy }]));
}

function wouldFire(logOnly: PolicySet, environment: Environment): readonly PolicyPlace[] {
  const { forbids, permits } = logOnly.candidates(environment.principal, environment.action, environment.resource);
  if (forbids.length === 0 && permits.length === 0) return NONE;
  const firing = [...run(forbids, environment).satisfied, ...run(permits, environment).satisfied];
  return placesOf(firing);
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

function hasObligations({ obligations }: CompiledPolicy): boolean {
  return obligations.length > 0;
}

function obligationsOf(policies: readonly CompiledPolicy[]): readonly Obligation[] {
  const obliging = policies.filter(hasObligations);
  const [only] = obliging;
  if (only === undefined) return NONE;
  return obliging.length === 1 ? only.obligations : mergeObligations(obliging.map(({ obligations }) => obligations));
}

function permitted({ satisfied, errors, obligations }: Granted, logged: readonly PolicyPlace[]): PolicyDecision {
  return {
    effect: 'permit',
    code: 'permit',
    determining: placesOf(satisfied),
    errors,
    obligations,
    reasonForAgent: reasonOf(satisfied),
    near: NONE,
    held: NONE,
    remedies: NONE,
    logged,
  };
}

/** A denial by policies. What held in them is looked for when somebody reads it. */
class Forbidden implements PolicyDecision {
  readonly effect = 'forbid';
  readonly determining: readonly PolicyPlace[];
  readonly errors: readonly PolicyError[];
  readonly obligations = NONE;
  readonly reasonForAgent: string | undefined;
  readonly near = NONE;
  readonly remedies: readonly PolicyRemedy[];
  readonly logged: readonly PolicyPlace[];
  readonly #policies: readonly CompiledPolicy[];
  readonly #store: EntityStore;
  readonly #environment: Environment;
  #held: readonly HeldClause[] | undefined;

  constructor(
    readonly code: PolicyCode,
    { satisfied, errors }: Pick<Run, 'satisfied' | 'errors'>,
    { store, environment, logged }: { store: EntityStore; environment: Environment; logged: readonly PolicyPlace[] },
    remedies: readonly PolicyRemedy[] = NONE,
  ) {
    this.determining = placesOf(satisfied);
    this.errors = errors;
    this.reasonForAgent = reasonOf(satisfied);
    this.remedies = remedies;
    this.logged = logged;
    this.#policies = satisfied;
    this.#store = store;
    this.#environment = environment;
  }

  get held(): readonly HeldClause[] {
    return (this.#held ??= findHeldClauses(this.#policies, this.#store, this.#environment));
  }
}

/** Near misses cost more than the decision, so they are looked for when somebody reads them. */
class DefaultDeny implements PolicyDecision {
  readonly effect = 'forbid';
  readonly code = 'no_policy_permits';
  readonly determining = NONE;
  readonly obligations = NONE;
  readonly reasonForAgent = undefined;
  readonly held = NONE;
  readonly remedies = NONE;
  readonly #set: PolicySet;
  readonly #environment: Environment;
  #near: readonly NearMiss[] | undefined;

  constructor(
    set: PolicySet,
    environment: Environment,
    readonly errors: readonly PolicyError[],
    readonly logged: readonly PolicyPlace[],
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
