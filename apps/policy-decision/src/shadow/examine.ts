import type { ShadowedDecision } from '#writ/authorisation';
import {
  cedarContext,
  decide,
  evaluatePredicate,
  letsThrough,
  type PolicyReasons,
  type PolicySet,
  probeRecord,
  recordEntity,
} from '#writ/policy';
import { compare, type Comparison } from './compare.js';
import type { OracleAnswer, OracleQuestion } from './oracle-child.js';

/** What Writ said to a question that Cedar can be asked. */
export interface Said extends Pick<PolicyReasons, 'determining' | 'errors'> {
  readonly isAllowed: boolean;
}

/** A decision as it is held against Cedar's. */
export interface Examined {
  readonly question: OracleQuestion;
  readonly said: Said;
  readonly compare: (cedar: OracleAnswer) => Comparison;
}

/**
 * The question that Cedar is asked about a decision, and how its answer compares. Cedar has nothing like a filter, so one is tried on a
 * record: the seed says on which.
 */
export function examine(decided: ShadowedDecision, seed: number): Examined {
  switch (decided.kind) {
    case 'decide':
      return examineDecision(decided);
    case 'filter':
      return examineFilter(decided, seed);
  }
}

function examineDecision({ set, request, decision }: Extract<ShadowedDecision, { kind: 'decide' }>): Examined {
  const { principal, action, resource } = request;
  const { determining, errors } = decision;
  const context = cedarContext(request.context);
  return {
    question:
      'uid' in resource
        ? { principal, action, resource: resource.uid, context, brought: resource }
        : { principal, action, resource, context },
    said: { isAllowed: decision.effect === 'permit', determining, errors },
    compare: (cedar) => compare(decision, cedar, effectIn(set)),
  };
}

function examineFilter(decided: Extract<ShadowedDecision, { kind: 'filter' }>, seed: number): Examined {
  const { set, request, plan } = decided;
  const { principal, action, parent, context } = request;
  const record = probeRecord(decided, seed);
  const brought = recordEntity(parent.id, record);
  const isAllowed = letsThrough(plan, record);
  // A filter is stricter than Cedar where the decision on the record is, where it has no translation, and where policy obliges to it.
  const isMeant = (cedar: OracleAnswer): boolean => {
    const decision = decide(set, { principal, action, resource: brought, context });
    if (decision.effect === 'forbid' && compare(decision, cedar, effectIn(set)) === 'stricter') return true;
    if (plan.errors.some(({ message }) => message.startsWith('cannot be a filter'))) return true;
    return plan.obligations.some((each) => each.type === 'filter' && !evaluatePredicate(each.where, record));
  };
  return {
    question: { principal, action, resource: brought.uid, context: cedarContext(context), brought },
    said: { isAllowed, determining: plan.determining, errors: plan.errors },
    compare: (cedar) => {
      if (isAllowed === (cedar.decision === 'allow')) return 'same';
      return !isAllowed && isMeant(cedar) ? 'stricter' : 'different';
    },
  };
}

/** The effects of a set's policies, by id, made once for a set. */
const effects = new WeakMap<PolicySet, ReadonlyMap<string, 'permit' | 'forbid'>>();

function effectIn(set: PolicySet): (id: string) => 'permit' | 'forbid' | undefined {
  let known = effects.get(set);
  if (known === undefined) {
    known = new Map(set.policies.map(({ place }) => [place.id, place.effect]));
    effects.set(set, known);
  }
  const found = known;
  return (id) => found.get(id);
}
