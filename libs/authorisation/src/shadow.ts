import {
  decide,
  type FilterPlan,
  type FilterRequest,
  planFilter,
  type PolicyDecision,
  type PolicyRequest,
  type PolicySet,
} from '#writ/policy';

interface Shadowed {
  readonly set: PolicySet;
  readonly agent: string;
  readonly call: string;
}

/** A decision that was made, or a filter in its place, with all that it was made from. */
export type ShadowedDecision = Shadowed &
  (
    | { readonly kind: 'decide'; readonly request: PolicyRequest; readonly decision: PolicyDecision }
    | { readonly kind: 'filter'; readonly request: FilterRequest; readonly plan: FilterPlan }
  );

/** Looks at some decisions once more. Neither call waits for anything. */
export interface Shadow {
  /** Whether the decision that is being made is one of the sample. */
  isDue(): boolean;
  offer(decided: ShadowedDecision): void;
}

/** Who asks in which call, and by what it is decided. */
interface Asked {
  readonly call: string;
  readonly agent: string;
  readonly shadow?: Shadow | undefined;
  readonly set: PolicySet;
}

/** Decides, and offers the decision to the shadow lane when it is one of the sample. */
export function decideInView({ call, agent, shadow, set }: Asked, request: PolicyRequest): PolicyDecision {
  const decision = decide(set, request);
  if (shadow?.isDue() === true) shadow.offer({ kind: 'decide', set, request, decision, agent, call });
  return decision;
}

/** The same for a question over the records of a namespace. */
export function planInView({ call, agent, shadow, set }: Asked, request: FilterRequest): FilterPlan {
  const plan = planFilter(set, request);
  if (shadow?.isDue() === true) shadow.offer({ kind: 'filter', set, request, plan, agent, call });
  return plan;
}
