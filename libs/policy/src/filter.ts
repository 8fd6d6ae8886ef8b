import { type Predicate, predicateDepth, predicateSize } from '#writ/contracts';
import type { EntityUid } from './bundle.js';
import type { Environment } from './compile-expression.js';
import { type CompiledPolicy, isInScope, type PolicyPlace } from './compile-policy.js';
import {
  placesOf,
  type PolicyCode,
  type PolicyDecision,
  type PolicyError,
  type PolicyRemedy,
  reasonOf,
  remediesOf,
} from './decide.js';
import type { EntityStore } from './entity-store.js';
import type { PolicyContext } from './evaluator.js';
import { findHeldClauses, findNearMisses, type HeldClause, type NearMiss } from './near-miss.js';
import { mergeObligations } from './obligations.js';
import { compileNot, type Outcome, type PartialEvaluator, RECORD_TYPE, Untranslatable } from './outcome.js';
import { compilePartial, conjunction } from './partial.js';
import type { Candidates, PolicySet } from './policy-set.js';
import { and, FALSE, or } from './predicates.js';
import { Unsupported } from './values.js';

/** A question over the records of one namespace. */
export interface FilterRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  /** The namespace that the records are in. */
  readonly parent: EntityUid;
  readonly context: PolicyContext;
}

/**
 * Which records of a namespace the request may touch: none, all, or those that the predicate lets through. It is a permit, with that
 * code, unless it is none; `determining` has the permits that can grant and the forbids that narrow.
 */
export type FilterPlan = PolicyDecision &
  ({ readonly kind: 'none' | 'all' } | { readonly kind: 'some'; readonly predicate: Predicate });

const PREDICATE_SIZE_MAX = 1_000;
/** A predicate travels inside a command, where each level is up to two levels of JSON; executors read 40. */
const PREDICATE_DEPTH_MAX = 16;

/**
 * Evaluates the policies with the record unknown. A record passes the plan exactly when `decide` permits the action on it,
 * save where something has no translation: then a permit grants nothing and a forbid forbids everything.
 */
export function planFilter(set: PolicySet, request: FilterRequest): FilterPlan {
  const environment: Environment = {
    principal: set.store.find(request.principal),
    action: set.store.find(request.action),
    resource: set.store.anyBelow(RECORD_TYPE, request.parent),
    context: request.context,
  };
  const { forbids, permits } = set.candidates(environment.principal, environment.action, environment.resource);
  const evaluated = (policy: CompiledPolicy): Evaluated => evaluate(policy, environment, set.store);
  const forbidding = [...forbids.map(evaluated), ...singleRecordForbids(set, environment)];
  const permitting = permits.map(evaluated);
  const obliging = candidatesOf(set.obligations, environment).permits.map(evaluated);
  const observed = candidatesOf(set.logOnly, environment);
  const errors = [...forbidding, ...permitting, ...obliging].flatMap(({ error }) =>
    error === undefined ? [] : [error],
  );
  const why: Why = {
    errors,
    near: () => findNearMisses(set, environment, { isResourceUnknown: true }),
    held: (policies) => findHeldClauses(policies, set.store, environment, { isResourceUnknown: true }),
    logged: placesOf(
      [...observed.forbids, ...observed.permits]
        .map(evaluated)
        .filter(canGrant)
        .map(({ policy }) => policy),
    ),
  };
  return plan(forbidding, { permitting, obliging }, why);
}

function candidatesOf(set: PolicySet | undefined, { principal, action, resource }: Environment): Candidates {
  return set?.candidates(principal, action, resource) ?? { forbids: [], permits: [] };
}

/** What may allow, and what then has to be done. */
interface Granting {
  readonly permitting: readonly Evaluated[];
  readonly obliging: readonly Evaluated[];
}

function plan(forbidding: readonly Evaluated[], granting: Granting, why: Why): FilterPlan {
  return refusal(forbidding, granting, why) ?? allowance(forbidding, granting, why);
}

interface Evaluated {
  readonly policy: CompiledPolicy;
  /** Undefined when the policy has no translation for this request. */
  readonly outcome: Outcome | undefined;
  readonly error?: PolicyError;
}

interface Why {
  readonly errors: readonly PolicyError[];
  readonly near: () => readonly NearMiss[];
  readonly held: (policies: readonly CompiledPolicy[]) => readonly HeldClause[];
  readonly logged: readonly PolicyPlace[];
}

/** Partial evaluators, made when a policy is first asked for one. */
const partials = new WeakMap<CompiledPolicy, PartialEvaluator>();

function evaluate(policy: CompiledPolicy, environment: Environment, store: EntityStore): Evaluated {
  const { id } = policy.source;
  try {
    let partial = partials.get(policy);
    if (partial === undefined) partials.set(policy, (partial = compilePartialPolicy(policy, store)));
    const outcome = partial(environment);
    return isAlwaysError(outcome)
      ? { policy, outcome, error: { id, message: 'errors for every record' } }
      : { policy, outcome };
  } catch (thrown) {
    if (!(thrown instanceof Untranslatable) && !(thrown instanceof Unsupported)) throw thrown;
    return { policy, outcome: undefined, error: { id, message: `cannot be a filter: ${thrown.message}` } };
  }
}

function compilePartialPolicy(policy: CompiledPolicy, store: EntityStore): PartialEvaluator {
  const clauses = policy.clauses.map(({ node, wanted }) => {
    const partial = compilePartial(node, store);
    return wanted ? partial : compileNot(partial);
  });
  return conjunction(clauses);
}

/** A forbid whose scope names one record is in no candidate list here, yet it must not be lost. */
function singleRecordForbids(set: PolicySet, { principal, action }: Environment): readonly Evaluated[] {
  const error = 'cannot be a filter: it names a single record';
  return set.singleRecordForbids
    .filter((policy) => isInScope(policy.principal, principal))
    .filter((policy) => policy.actions.some((scope) => isInScope(scope, action)))
    .map((policy) => ({ policy, outcome: undefined, error: { id: policy.source.id, message: error } }));
}

/** The plan that lets no record through, and why; undefined when some record may pass. */
function refusal(forbidding: readonly Evaluated[], granting: Granting, why: Why): FilterPlan | undefined {
  const { permitting, obliging } = granting;
  const firing = forbidding.filter(({ outcome }) => outcome?.ifFalse.op === 'false');
  const certain = firing.filter(({ outcome }) => outcome?.ifTrue.op !== 'false');
  if (certain.length > 0) {
    const others = forbidding.filter((each) => !certain.includes(each));
    const isPermitted = () => plan(others, granting, why).kind !== 'none';
    return new NoRecord('policy_forbids', certain, why, remediesOf(policiesOf(certain), isPermitted));
  }
  const failed = [...firing, ...forbidding.filter(({ outcome }) => outcome === undefined)];
  if (failed.length > 0) return new NoRecord('forbid_evaluation_error', failed, why);
  if (!permitting.some(canGrant)) return new NoRecord('no_policy_permits', [], why);
  const unenforceable = [...permitting, ...obliging].filter(({ policy, outcome }) => {
    return policy.obligations.length > 0 && (outcome === undefined || isAlwaysError(outcome));
  });
  return unenforceable.length > 0 ? new NoRecord('obligation_unenforceable', unenforceable, why) : undefined;
}

function allowance(forbidding: readonly Evaluated[], { permitting, obliging }: Granting, why: Why): FilterPlan {
  const granting = permitting.filter(canGrant);
  // What obliges for some of the records obliges for all: which ones come is not known yet.
  const obligations = mergeObligations(
    [...granting, ...obliging.filter(canGrant)].map(({ policy }) => policy.obligations),
  );
  const narrowing = forbidding.filter(({ outcome }) => outcome?.ifFalse.op !== 'true');
  const predicate = and([
    or(granting.map(({ outcome }) => outcome?.ifTrue ?? FALSE)),
    ...narrowing.map(({ outcome }) => outcome?.ifFalse ?? FALSE),
    ...[...permitting, ...obliging].flatMap(enforceable),
    ...obligations.flatMap((obligation) => (obligation.type === 'filter' ? [obligation.where] : [])),
  ]);
  if (predicate.op === 'false') return new NoRecord('no_policy_permits', [], why);
  if (predicateSize(predicate) > PREDICATE_SIZE_MAX || predicateDepth(predicate) > PREDICATE_DEPTH_MAX) {
    const error = { id: granting[0]?.policy.source.id ?? '', message: 'cannot be a filter: it would be too large' };
    return new NoRecord('no_policy_permits', [], { ...why, errors: [...why.errors, error] });
  }
  const policies = [...granting, ...narrowing].map(({ policy }) => policy).sort((a, b) => a.order - b.order);
  const decision: PolicyDecision = {
    effect: 'permit',
    code: 'permit',
    determining: placesOf(policies),
    errors: why.errors,
    obligations,
    reasonForAgent: reasonOf(policiesOf(granting)),
    near: [],
    held: [],
    remedies: [],
    logged: why.logged,
  };
  return predicate.op === 'true' ? { kind: 'all', ...decision } : { kind: 'some', predicate, ...decision };
}

function canGrant({ outcome }: Evaluated): boolean {
  return outcome !== undefined && outcome.ifTrue.op !== 'false';
}

/** The records for which a permit with obligations is no error: for others it is not known whether they apply. */
function enforceable({ policy, outcome }: Evaluated): readonly Predicate[] {
  if (policy.obligations.length === 0 || outcome === undefined || outcome.isTotal) return [];
  return [or([outcome.ifTrue, outcome.ifFalse])];
}

function isAlwaysError(outcome: Outcome): boolean {
  return outcome.ifTrue.op === 'false' && outcome.ifFalse.op === 'false';
}

function policiesOf(evaluated: readonly Evaluated[]): readonly CompiledPolicy[] {
  return evaluated.map(({ policy }) => policy);
}

/** A plan that lets no record through. What nearly did, and what held, is looked for when somebody reads it. */
class NoRecord implements PolicyDecision {
  readonly kind = 'none';
  readonly effect = 'forbid';
  readonly determining: readonly PolicyPlace[];
  readonly errors: readonly PolicyError[];
  readonly obligations: readonly never[] = [];
  readonly reasonForAgent: string | undefined;
  readonly logged: readonly PolicyPlace[];
  readonly #policies: readonly CompiledPolicy[];
  readonly #why: Why;
  #near: readonly NearMiss[] | undefined;
  #held: readonly HeldClause[] | undefined;

  constructor(
    readonly code: PolicyCode,
    deciding: readonly Evaluated[],
    why: Why,
    readonly remedies: readonly PolicyRemedy[] = [],
  ) {
    this.#policies = policiesOf(deciding);
    this.#why = why;
    this.determining = placesOf(this.#policies);
    this.errors = why.errors;
    this.reasonForAgent = reasonOf(this.#policies);
    this.logged = why.logged;
  }

  get near(): readonly NearMiss[] {
    return (this.#near ??= this.code === 'no_policy_permits' ? this.#why.near() : []);
  }

  get held(): readonly HeldClause[] {
    return (this.#held ??= this.#why.held(this.#policies));
  }
}
