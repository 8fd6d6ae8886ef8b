import { canonicalJson, type EntryBody, type Json, type PayloadValue } from '#writ/contracts';
import { commitText, newSalt } from '#writ/tlog';
import { obligationNames, reasonValues, whyOf } from '../record-decision.js';
import type { AccessRequest } from './access-request.js';
import type { Evaluation } from './evaluate.js';

/** Who asked what, in which words. */
export interface Asking {
  readonly client: string;
  readonly asked: AccessRequest;
  /** Names the evaluation. */
  readonly call: string;
  /** The caller's `X-Request-ID`. */
  readonly requestId: string | undefined;
  readonly bundle: string;
}

/** An evaluation, ready to be recorded. Properties and context are in the values alone. */
export interface DescribedEvaluation {
  readonly entry: EntryBody;
  readonly values: readonly PayloadValue[];
}

/** Describes an evaluation for the ledger. */
export function describeEvaluation(evaluation: Evaluation, asking: Asking): DescribedEvaluation {
  const { client, asked, call, requestId, bundle } = asking;
  const { subject, action, resource } = asked;
  const req = {
    sub: { type: subject.type, id: subject.id },
    act: action.name,
    res: { type: resource.type, id: resource.id },
    eval: call,
    ...(requestId === undefined ? {} : { xid: requestId }),
  };
  if (evaluation.status === 'refused') {
    return { entry: { type: 'access.refused', client, req, why: { code: evaluation.fault.code } }, values: [] };
  }
  const { agent, verdict, isPermitted, code } = evaluation;
  const salt = newSalt();
  const text = canonicalJson(asked as unknown as Json);
  const why = whyOf(verdict.decision, bundle);
  return {
    entry: {
      type: 'access.evaluated',
      client,
      req,
      who: { agent },
      act: { kind: verdict.kind, res: verdict.resource, dig: verdict.dig },
      eff: { d: isPermitted ? 'allow' : 'deny', phase: 'evaluated' },
      why: { ...why, code },
      ...(verdict.decision.obligations.length === 0 ? {} : { obl: obligationNames(verdict.decision) }),
      io: { in: commitText(salt, '/in', text), in_len: Buffer.byteLength(text) },
    },
    values: [{ path: '/in', salt, value: asked as unknown as Json }, ...reasonValues(verdict.decision)],
  };
}
