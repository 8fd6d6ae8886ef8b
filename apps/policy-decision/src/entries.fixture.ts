import type { Entry, EntryBody } from '#writ/contracts';
import type { PlacedEntry } from '#writ/ledger-client';

export const NOON = Date.parse('2026-11-22T12:00:00Z');
const HASH = `sha256:${'0'.repeat(64)}`;
const SALTED = `sd:${'A'.repeat(43)}`;

/** An entry as a follower hands it on, at that place of the stream. */
export function placed(
  seq: number,
  body: EntryBody,
  { ts = NOON, tenant = 'default', producer = 'pdp-0' } = {},
): PlacedEntry {
  const id = String(seq).padStart(26, '0');
  const prod = { id: producer, boot: 'A'.repeat(22), s: seq };
  const at = new Date(ts).toISOString();
  return { seq, i: 0, entry: { ...body, v: 1, id, ts: at, ledger: 'test/default/0', ten: tenant, prod } as Entry };
}

/** A decision, on a tool call when nothing else is said; an allow has until five seconds after noon to be taken and until fifteen to end. */
export function decided(
  call: string,
  d: 'allow' | 'deny' = 'allow',
  delivery: 'once' | 'retry' = 'once',
  act: { readonly kind: 'tool.call' | 'egress.fetch'; readonly res: string } = { kind: 'tool.call', res: 'act' },
): EntryBody {
  const run = { delivery, pool: 'default', take_by: NOON + 5_000, finish_by: NOON + 15_000 };
  return {
    type: `${act.kind}.decided`,
    who: { agent: 'alice' },
    act,
    corr: { call },
    eff: { d, phase: 'decided' },
    why: { code: d === 'allow' ? 'permit' : 'policy_forbids', bundle: HASH, pol: [] },
    io: { in: SALTED, in_len: 2 },
    ...(d === 'allow' ? { cmd: SALTED, run } : {}),
  };
}

/** The outcome of the decision at that place. */
export function completed(call: string, seq: number): EntryBody {
  return {
    type: 'tool.call.completed',
    who: { agent: 'alice' },
    act: { kind: 'tool.call', res: 'act' },
    corr: { call },
    eff: { d: 'ok', phase: 'executed' },
    why: { code: 'completed' },
    io: { out: SALTED, out_len: 2 },
    cost: { ms: 1 },
    dec: { seq, i: 0 },
  };
}

/** The end of a call that nobody finished. */
export function ended(type: 'call.expired' | 'call.indeterminate', call: string, seq: number): EntryBody {
  const act = { kind: 'tool.call', res: 'act' };
  return { type, who: { agent: 'alice' }, act, corr: { call }, dec: { seq, i: 0 } };
}
