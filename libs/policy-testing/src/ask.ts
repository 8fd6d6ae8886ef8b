import { askedOf, authorise, type Rules, type Verdict } from '#writ/authorisation';
import type { ActionRequest, JsonObject, Obligation, Predicate } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { NearMiss, PolicyPlace } from '#writ/policy';

/** Who asks, and what Writ would know of it then. */
export interface Circumstances {
  readonly agent: string;
  readonly callsToday: number;
  readonly nowMs: number;
  /** What the request asks for, when that is at hand. */
  readonly asked?: JsonObject;
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
  readonly filter?: Predicate | undefined;
  /** Why it was refused. */
  readonly message?: string | undefined;
}

/** Asks exactly as the decision service does: the same agents, the same arguments, the same policies. Nothing is run or recorded. */
export function askPolicies(request: ActionRequest, circumstances: Circumstances, rules: Rules): Outcome {
  const { agent, callsToday, nowMs, asked = askedOf(request) } = circumstances;
  try {
    if (!rules.knows(agent)) throw new Fault('INPUT_UNKNOWN_AGENT', `the agent \`${agent}\` is not registered`);
    return new Decided(authorise(request, { agent, asked, session: { callsToday }, nowMs }, rules));
  } catch (error) {
    if (!(error instanceof Fault) || !error.code.startsWith('INPUT_')) throw error;
    const { code, message } = error;
    return { effect: 'refused', code, policies: [], errors: [], obligations: [], logged: [], near: [], message };
  }
}

/** A class, because a getter in every one of a million objects is slow. */
class Decided implements Outcome {
  readonly effect: Outcome['effect'];
  readonly code: string;
  readonly policies: Outcome['policies'];
  readonly errors: Outcome['errors'];
  readonly obligations: Outcome['obligations'];
  readonly logged: Outcome['logged'];
  readonly filter: Predicate | undefined;
  readonly #decision: Verdict['decision'];

  constructor({ decision, filter }: Verdict) {
    this.effect = decision.effect;
    this.code = decision.code;
    this.policies = decision.determining;
    this.errors = decision.errors;
    this.obligations = decision.obligations;
    this.logged = decision.logged;
    this.filter = filter;
    this.#decision = decision;
  }

  get near(): readonly NearMiss[] {
    return this.#decision.near;
  }
}
