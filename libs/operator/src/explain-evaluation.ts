import type { EntryOf } from '#writ/contracts';
import {
  checkedValue,
  comparison,
  explainReasons,
  type ExplainSources,
  type Located,
  placeOf,
} from './explain-call.js';
import type { Explanation } from './explanation.js';

/** Explains an answer to an enforcement point outside of Writ: why it was given, and that nothing ran by it. */
export async function explainEvaluation(
  located: Located<EntryOf<'access.evaluated'>>,
  sources: ExplainSources,
): Promise<Explanation> {
  const { entry } = located;
  const stored = await sources.values(located);
  return {
    call: entry.req.eval,
    askedBy: { client: entry.client, ...(entry.req.xid === undefined ? {} : { requestId: entry.req.xid }) },
    agent: entry.who.agent,
    tenant: entry.ten,
    kind: entry.act.kind,
    resource: entry.act.res,
    decision: entry.eff.d,
    code: entry.why.code,
    decidedAt: entry.ts,
    bundle: { hash: entry.why.bundle, onDisk: comparison(entry.why.bundle, sources.bundleNow) },
    ...(await explainReasons(entry, stored, sources)),
    labels: [],
    obligations: entry.obl ?? [],
    redactions: { input: [], output: [] },
    outcome: { status: 'none' },
    credentials: [],
    values: checkedValue('arguments', entry.io.in, stored, '/in'),
    ledger: [placeOf(located)],
    rejected: [],
  };
}
