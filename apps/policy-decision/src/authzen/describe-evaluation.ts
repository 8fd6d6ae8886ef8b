import { canonicalJson, type EntryBody, type EntryOf, type Json, type PayloadValue } from '#writ/contracts';
import { commitText, newSalt } from '#writ/tlog';
import { obligationNames, reasonValues, whyOf } from '../record-decision.js';
import type { RefusalKind } from '../refusals.js';
import type { AccessRequest } from './access-request.js';
import type { Evaluated } from './evaluate.js';

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

/** A question that could not be evaluated. */
export interface AccessRefusal {
  readonly asking: Asking;
  readonly code: string;
}

/** By client and code: subject, action and resource are whatever the client says. */
export const ACCESS_REFUSALS: RefusalKind<AccessRefusal> = {
  keyOf: ({ asking, code }) => `${asking.client} ${code}`,
  entryOf: ({ asking, code }, n) => ({
    type: 'access.refused',
    client: asking.client,
    req: reqOf(asking),
    why: { code },
    n,
  }),
};

/** An evaluation, ready to be recorded. Properties and context are in the values alone. */
export interface DescribedEvaluation {
  readonly entry: EntryBody;
  readonly values: readonly PayloadValue[];
}

/** Describes an evaluation for the ledger. */
export function describeEvaluation(evaluation: Evaluated, asking: Asking): DescribedEvaluation {
  const { client, asked, bundle } = asking;
  const { agent, verdict, isPermitted, code } = evaluation;
  const salt = newSalt();
  const text = canonicalJson(asked as unknown as Json);
  const why = whyOf(verdict.decision, bundle);
  return {
    entry: {
      type: 'access.evaluated',
      client,
      req: reqOf(asking),
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

function reqOf({ asked, call, requestId }: Asking): EntryOf<'access.refused'>['req'] {
  const { subject, action, resource } = asked;
  return {
    sub: { type: subject.type, id: subject.id },
    act: action.name,
    res: { type: resource.type, id: resource.id },
    eval: call,
    ...(requestId === undefined ? {} : { xid: requestId }),
  };
}
