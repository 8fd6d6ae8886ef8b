import type { JsonObject } from '#writ/contracts';
import type { EntityUid } from './bundle.js';
import type { Environment } from './compile-expression.js';
import { type CompiledPolicy, isInScope } from './compile-policy.js';
import { RECORD_TYPE } from './outcome.js';
import type { PolicySet } from './policy-set.js';
import { EntityRef, EvaluationError } from './values.js';

/** What somebody might ask for, with everything but the names left open. */
export interface PossibleRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  /** What the action is on; `anyRecordOf` for a record of that namespace of which nothing else is known. */
  readonly resource: EntityUid | { readonly anyRecordOf: EntityUid };
}

/**
 * Whether circumstances exist in which `decide` would permit it. Three-valued: a policy is evaluated by the closures that decide,
 * over a context that answers no question, and what it then cannot say may go either way. It is never false for what could be
 * permitted; it may be true for what never is, when two conditions exclude each other.
 */
export function couldPermit(set: PolicySet, request: PossibleRequest): boolean {
  const environment = openEnvironment(set, request);
  const { forbids, permits } = set.candidates(environment.principal, environment.action, environment.resource);
  if (forbids.some((policy) => CERTAIN_DENIAL.has(outcomeOf(policy, environment)))) return false;
  const outcomes = permits.map((policy) => ({ policy, outcome: outcomeOf(policy, environment) }));
  // A permit whose obligations cannot be known denies whatever other permits say.
  const isUnenforceable = outcomes.some(({ policy, outcome }) => outcome === 'errs' && policy.obligations.length > 0);
  if (isUnenforceable) return false;
  return (
    outcomes.some(({ outcome }) => outcome === 'open' || outcome === 'fires') || hasPermitForOneRecord(set, request)
  );
}

/** `fires`, `errs`, `rests`: it certainly does. `open`: that depends on what is not known. */
type PossibleOutcome = 'fires' | 'errs' | 'rests' | 'open';
const CERTAIN_DENIAL: ReadonlySet<PossibleOutcome> = new Set(['fires', 'errs']);

function outcomeOf(policy: CompiledPolicy, environment: Environment): PossibleOutcome {
  let isOpen = false;
  for (const clause of policy.clauses) {
    const holds = evaluate(clause, environment);
    if (holds === 'unknown') isOpen = true;
    // Behind a clause that is not known: a permit does not fire either way, and a forbid may rest or err.
    else if (holds !== true && isOpen) return policy.isPermit ? 'rests' : 'open';
    else if (holds !== true) return holds === 'errs' ? 'errs' : 'rests';
  }
  return isOpen ? 'open' : 'fires';
}

function evaluate(clause: CompiledPolicy['clauses'][number], environment: Environment): boolean | 'unknown' | 'errs' {
  try {
    const value = clause.evaluate(environment);
    return typeof value === 'boolean' ? value === clause.wanted : 'errs';
  } catch (thrown) {
    if (thrown instanceof Unknown) return 'unknown';
    if (thrown instanceof EvaluationError) return 'errs';
    throw thrown;
  }
}

/** Thrown where a closure looks at something that is not known. */
class Unknown extends Error {}
const UNKNOWN = new Unknown('not known');
const refuse = (): never => {
  throw UNKNOWN;
};
/** Every way to look into an object. */
const ANSWERS_NOTHING: ProxyHandler<object> = {
  get: refuse,
  has: refuse,
  ownKeys: refuse,
  getOwnPropertyDescriptor: refuse,
  getPrototypeOf: refuse,
};
const UNKNOWN_RECORD = new Proxy({}, ANSWERS_NOTHING) as JsonObject;

/** A record of which the namespace alone is known: to ask for its id, as every comparison does, has no answer. */
class UnknownRecord extends EntityRef {
  override readonly attributes = UNKNOWN_RECORD;

  constructor({ ancestors, candidateKey }: EntityRef) {
    super(RECORD_TYPE, '', false);
    this.ancestors = ancestors;
    this.candidateKey = candidateKey;
    this.isStandIn = true;
    Object.defineProperty(this, 'id', { get: refuse });
  }
}

function openEnvironment(set: PolicySet, { principal, action, resource }: PossibleRequest): Environment {
  return {
    principal: set.store.find(principal),
    action: set.store.find(action),
    resource:
      'anyRecordOf' in resource
        ? new UnknownRecord(set.store.anyBelow(RECORD_TYPE, resource.anyRecordOf))
        : set.store.find(resource),
    context: UNKNOWN_RECORD,
  };
}

/** Such a permit is in no list of candidates for a record that is not known, and yet it may be that record. */
function hasPermitForOneRecord(set: PolicySet, { principal, action, resource }: PossibleRequest): boolean {
  if (!('anyRecordOf' in resource)) return false;
  const [who, what] = [set.store.find(principal), set.store.find(action)];
  return set.policies.some(
    (policy) =>
      policy.isPermit &&
      policy.resource.entity?.type === RECORD_TYPE &&
      isInScope(policy.principal, who) &&
      policy.actions.some((scope) => isInScope(scope, what)),
  );
}
