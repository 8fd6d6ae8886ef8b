import { askedOf, authorise, type Rules } from '#writ/authorisation';
import type { ActionRequest, Obligation, Predicate } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { NearMiss, PolicyPlace } from '#writ/policy';

/** Who asks, and what Writ would know of it then. */
export interface Circumstances {
  readonly agent: string;
  readonly callsToday: number;
  readonly nowMs: number;
}

/** What the policies say to one request. `refused`: it would not be decided at all, and the code is that of the fault. */
export interface Outcome {
  readonly effect: 'permit' | 'forbid' | 'refused';
  readonly code: string;
  /** The policies that decided; none for a default deny and for a refusal. */
  readonly policies: readonly PolicyPlace[];
  readonly errors: readonly { readonly id: string; readonly message: string }[];
  readonly obligations: readonly Obligation[];
  /** Policies in `log_only` mode that would have fired. */
  readonly logged: readonly PolicyPlace[];
  /** The permits that came nearest, for a default deny; computed when it is read. */
  readonly near: readonly NearMiss[];
  /** For a memory query or delete that is permitted: which records it may touch. */
  readonly filter?: Predicate;
  /** Why it was refused. */
  readonly message?: string;
}

/** Asks exactly as the decision service does: the same agents, the same arguments, the same policies. Nothing is run or recorded. */
export function askPolicies(request: ActionRequest, circumstances: Circumstances, rules: Rules): Outcome {
  const { agent, callsToday, nowMs } = circumstances;
  try {
    if (!rules.knows(agent)) throw new Fault('INPUT_UNKNOWN_AGENT', `the agent \`${agent}\` is not registered`);
    const caller = { agent, asked: askedOf(request), session: { callsToday }, nowMs };
    const { decision, filter } = authorise(request, caller, rules);
    const { effect, code, determining, errors, obligations, logged } = decision;
    return {
      effect,
      code,
      policies: determining,
      errors,
      obligations,
      logged,
      get near() {
        return decision.near;
      },
      ...(filter === undefined ? {} : { filter }),
    };
  } catch (error) {
    if (!(error instanceof Fault) || !error.code.startsWith('INPUT_')) throw error;
    const { code, message } = error;
    return { effect: 'refused', code, policies: [], errors: [], obligations: [], logged: [], near: [], message };
  }
}
