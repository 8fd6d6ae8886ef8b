import { type Json, type JsonObject, type Obligation } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { askedOf } from '#writ/authorisation';
import { authorise, type Verdict } from '#writ/authorisation';
import type { Calls } from '../calls.js';
import type { Rules } from '#writ/authorisation';
import type { Shadow } from '#writ/authorisation';
import type { AccessRequest } from './access-request.js';
import { agentOf, type Mapping, requestOf } from './question.js';

export interface Grounds {
  readonly rules: Rules;
  /** What the ledger says of the agent: nothing that the caller sends is a fact. */
  readonly calls: Pick<Calls, 'isRevoked' | 'allowedToday'>;
  readonly mapping: Mapping;
  readonly nowMs: number;
  readonly shadow?: Shadow | undefined;
}

/** What an enforcement point has to do on a permit. */
export interface AccessObligation {
  readonly id: string;
  readonly type: string;
  readonly properties: JsonObject;
}

/** What the policies say to a question. */
export interface Evaluated {
  readonly status: 'evaluated';
  readonly agent: string;
  readonly isPermitted: boolean;
  readonly code: Verdict['decision']['code'];
  readonly verdict: Verdict;
  readonly obligations: readonly AccessObligation[];
}

/** The same, or why the question cannot be put to them. */
export type Evaluation = Evaluated | { readonly status: 'refused'; readonly fault: Fault };

/**
 * Evaluates a question of an enforcement point by the rules that decide calls. A question about an agent, a tool or arguments that do
 * not exist or do not fit is refused. `call` names the evaluation.
 */
export function evaluate(asked: AccessRequest, call: string, grounds: Grounds): Evaluation {
  try {
    return decided(asked, call, grounds);
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code.startsWith('INPUT_')) return { status: 'refused', fault: thrown };
    throw thrown;
  }
}

function decided(asked: AccessRequest, call: string, { rules, calls, mapping, nowMs, shadow }: Grounds): Evaluation {
  const agent = agentOf(asked.subject, mapping);
  if (!rules.knows(agent) || calls.isRevoked(agent)) {
    throw new Fault('INPUT_UNKNOWN_AGENT', 'the subject is no agent that is registered');
  }
  const request = requestOf(asked, call, mapping);
  const session = { callsToday: calls.allowedToday(agent, nowMs) };
  const verdict = authorise(request, { agent, asked: askedOf(request), session, nowMs, shadow }, rules);
  if (asked.resource.type === 'destination' && verdict.resource !== asked.resource.id) {
    throw new Fault('INPUT_UNKNOWN_DESTINATION', 'the destination does not cover that URL');
  }
  const obligations = verdict.decision.effect === 'permit' ? obligationsOf(verdict) : [];
  const { effect, code } = verdict.decision;
  const supported = supportedBy(asked);
  // Who does not say that it can do what a permit demands would let the act happen without it.
  const isEnforceable = obligations.every(({ type }) => supported.has(type));
  return {
    status: 'evaluated',
    agent,
    isPermitted: effect === 'permit' && isEnforceable,
    code: isEnforceable ? code : 'obligation_unenforceable',
    verdict,
    obligations,
  };
}

/** A filter that memory operations are permitted under is an obligation too. */
function obligationsOf({ decision, filter }: Verdict): readonly AccessObligation[] {
  // The filters among them are in that of the whole decision.
  const others = decision.obligations.filter(({ type }) => type !== 'filter');
  const listed = others.map((obligation: Obligation) => {
    const { type, ...properties } = obligation;
    return { type: type as string, properties: properties as unknown as JsonObject };
  });
  if (filter !== undefined && filter.op !== 'true') {
    listed.push({ type: 'filter', properties: { predicate: filter as unknown as Json } });
  }
  return listed.map((obligation, at) => ({ id: `obl-${at + 1}`, ...obligation }));
}

/** Types of obligations that the enforcement point says it can do, in `context.supported_obligations`. */
function supportedBy({ context }: AccessRequest): ReadonlySet<unknown> {
  const named = context?.['supported_obligations'];
  return new Set(Array.isArray(named) ? (named as readonly Json[]) : []);
}
