import { TenantKeys } from '#writ/vault';
import { askedOf, authorise, DailyCounts, type Rules } from '#writ/authorisation';
import { canonicalJson } from '#writ/contracts';
import { BlockWriter, PayloadOpener, PayloadSealer } from '#writ/ledger-client';
import { type PastSources } from '#writ/operator';
import { Authority, generateSigningKey, trustedKey } from '#writ/signing';
import { describeDecision } from '../../../apps/policy-decision/src/record-decision.js';
import { MemoryLog, MemoryPayloads } from '../../harness/memory-logs.js';
import { type Asked, askedAt } from './workload.js';

const START_MS = Date.UTC(2026, 0, 1);
const [TENANT, PRODUCER] = ['default', 'pdp-0'];
const TENANT_KEYS = TenantKeys.parse(Buffer.alloc(32, 7).toString('base64url'));
/** Between two requests: five thousand make a day. */
const APART_MS = 17_280;
/** What queues while a block is in flight becomes the next block, so this many are handed in at once. */
const IN_FLIGHT = 256;

/** What the code of the decision service leaves of so many requests: signed blocks, sealed values and wrapped keys, in memory. */
export async function recordPast(decisions: number, policies: number, rules: Rules): Promise<PastSources> {
  const { ledger } = rules.catalogue.config;
  const key = generateSigningKey('pdp-1');
  const authority = new Authority({ v: 1, ledger, keys: [trustedKey(key.verifyKey, 'pdp-1', 'pdp', [PRODUCER])] });
  const [blocks, payloads] = [new MemoryLog(), new MemoryPayloads()];
  let nowMs = START_MS;
  const writer = await BlockWriter.open({
    blocks,
    values: { payloads, sealer: new PayloadSealer(payloads, TENANT_KEYS, { tenant: TENANT, producer: PRODUCER }) },
    key: () => key,
    ledger,
    tenant: TENANT,
    producer: PRODUCER,
    authority: () => authority,
    now: () => nowMs,
    sleep: () => Promise.resolve(),
  });
  const counts = new DailyCounts();
  for (let n = 0; n < decisions; n += IN_FLIGHT) {
    const appended = Array.from({ length: Math.min(IN_FLIGHT, decisions - n) }, (_, i) => {
      nowMs += APART_MS;
      const { entry, values } = describe(askedAt(n + i, policies), { rules, counts, nowMs });
      return writer.append(entry, values);
    });
    await Promise.all(appended);
  }
  return { blocks, payloads, authority, values: new PayloadOpener(payloads, TENANT_KEYS) };
}

function describe(
  { agent, request }: Asked,
  { rules, counts, nowMs }: { readonly rules: Rules; readonly counts: DailyCounts; readonly nowMs: number },
) {
  const asked = askedOf(request);
  const session = { callsToday: counts.of(agent, nowMs) };
  const verdict = authorise(request, { agent, asked, session, nowMs }, rules);
  if (verdict.decision.effect === 'permit') counts.count(agent, new Date(nowMs).toISOString());
  return describeDecision(request, verdict, {
    tenant: TENANT,
    agent,
    asked,
    askedText: canonicalJson(asked),
    reply: 'reply',
    bundle: rules.policies.hash,
    nowMs,
    takeWithinMs: rules.catalogue.config.limits.takeWithinMs,
    subject: undefined,
  });
}
