import type { AgentRemedy } from '#writ/contracts';
import { type Fault, FAULTS } from '#writ/faults';
import { remediesForAgent } from '../record-decision.js';
import type { AccessObligation, Evaluated } from './evaluate.js';

/** An answer of AuthZEN 1.0. */
export interface AccessAnswer {
  readonly decision: boolean;
  readonly context: {
    readonly code?: string;
    readonly evaluation_id?: string;
    readonly reason_user?: { readonly en: string };
    readonly reason_admin?: AdminReason;
    /** What would turn the denial into a permit. */
    readonly access_request?: readonly AgentRemedy[];
    readonly obligations?: readonly AccessObligation[];
    readonly error?: { readonly status: number; readonly message: string };
  };
}

interface AdminReason {
  readonly en: string;
  readonly bundle: string;
  readonly policies: readonly { readonly id: string; readonly effect: string; readonly at: string }[];
  readonly near: readonly { readonly id: string; readonly at: string; readonly failed: string }[];
  readonly errors: readonly { readonly id: string; readonly message: string }[];
}

/** How much of the reasons the caller may see: what the policies' authors tell agents, or everything. */
export interface View {
  readonly canExplain: boolean;
  readonly bundle: string;
}

/** The answer to a question that could not be evaluated; with the entry when one was written for it alone. */
export function refusalOf(fault: Fault, entry: string | undefined): AccessAnswer {
  const told = fault.isToldToSender ? fault.message : FAULTS[fault.code].means;
  const id = entry === undefined ? {} : { evaluation_id: entry };
  return { decision: false, context: { code: fault.code, ...id, reason_user: { en: told } } };
}

/** The answer to an evaluation that is on record as that entry. */
export function answerOf(evaluation: Evaluated, entry: string, view: View): AccessAnswer {
  const { isPermitted, code, verdict, obligations } = evaluation;
  const { reasonForAgent, remedies } = verdict.decision;
  return {
    decision: isPermitted,
    context: {
      code,
      evaluation_id: entry,
      ...(isPermitted || reasonForAgent === undefined ? {} : { reason_user: { en: reasonForAgent } }),
      ...(isPermitted || remedies.length === 0 ? {} : { access_request: remediesForAgent(remedies) }),
      ...(obligations.length === 0 ? {} : { obligations }),
      ...(view.canExplain ? { reason_admin: adminReason(evaluation, view) } : {}),
    },
  };
}

/** The answer to one of many questions that is none. */
export function badItem(message: string): AccessAnswer {
  return { decision: false, context: { error: { status: 400, message } } };
}

/** The near misses of a default deny are looked for here, on the way to the answer: for those alone who may see them. */
function adminReason({ code, verdict }: Evaluated, { bundle }: View): AdminReason {
  const { determining, near, errors } = verdict.decision;
  const policies = determining.map(({ id, effect, file, line }) => ({ id, effect, at: `${file}:${line}` }));
  const by = policies.map(({ id, at }) => `\`${id}\` at ${at}`).join(', ');
  return {
    en: by === '' ? code : `${code}: ${by}`,
    bundle,
    policies,
    near: near.map(({ id, file, line, failed }) => ({ id, at: `${file}:${line}`, failed })),
    errors,
  };
}
