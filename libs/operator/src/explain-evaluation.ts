import type { EntryOf } from '#writ/contracts';
import { checkedValue, placeOf } from './explain-call.js';
import { storedIn } from './entry-values.js';
import { explainReasons, type ExplainSources, explanationOf, type Located } from './explain-reasons.js';
import type { Explanation } from './explanation.js';
import type { FoundEntries } from './find-call.js';

/**
 * Explains an answer to an enforcement point outside of Writ: why it was given, and that nothing ran by it. `found` is what the ledger
 * holds under the name of the evaluation.
 */
export async function explainEvaluation(
  located: Located<EntryOf<'access.evaluated'>>,
  found: FoundEntries,
  sources: ExplainSources,
): Promise<Explanation> {
  const { entry } = located;
  const explained = explanationOf(found.entries, located);
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
    ...(await explainReasons(entry, { stored: storedIn(stored), explained }, sources)),
    labels: [],
    obligations: entry.obl ?? [],
    redactions: { input: [], output: [] },
    outcome: { status: 'none' },
    credentials: [],
    values: checkedValue('arguments', entry.io.in, stored, '/in'),
    ledger: [located, ...(explained === undefined ? [] : [explained])].map(placeOf),
    rejected: found.rejected,
  };
}
