import { decide, type PolicyDecision, type PolicyRequest, type PolicySet } from '#writ/policy';

/** A decision that was made, with all that it was made from. */
export interface ShadowedDecision {
  readonly set: PolicySet;
  readonly request: PolicyRequest;
  readonly decision: PolicyDecision;
  readonly agent: string;
  readonly call: string;
}

/** Looks at some decisions once more. Neither call waits for anything. */
export interface Shadow {
  /** Whether the decision that is being made is one of the sample. */
  isDue(): boolean;
  offer(decided: ShadowedDecision): void;
}

interface Asked {
  readonly agent: string;
  readonly shadow?: Shadow | undefined;
}

/** Decides, and offers the decision to the shadow lane when it is one of the sample. */
export function decideInView(
  { call }: { readonly call: string },
  { agent, shadow }: Asked,
  ...[set, request]: readonly [PolicySet, PolicyRequest]
): PolicyDecision {
  const decision = decide(set, request);
  if (shadow?.isDue() === true) shadow.offer({ set, request, decision, agent, call });
  return decision;
}
