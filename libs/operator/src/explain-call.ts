import type { CompletedEntry, DecidedEntry, EntryOf, Json, JsonObject, PayloadValue } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { opensTo } from '#writ/tlog';
import { type EntryValues, storedIn } from './entry-values.js';
import { explainReasons, type ExplainSources, explanationOf, type Located } from './explain-reasons.js';
import type { ExplainedOutcome, ExplainedValue, Explanation, LedgerPlace } from './explanation.js';
import type { FoundEntries, LocatedEntry } from './find-call.js';

type EndedEntry = EntryOf<'call.expired' | 'call.indeterminate'>;

/**
 * Explains one call from its entries. Throws INPUT_UNKNOWN_CALL when no decision is among them, and INPUT_INVALID when several
 * agents used the id and none is named.
 */
export async function explainCall(
  { entries, rejected }: FoundEntries,
  wanted: { readonly call: string; readonly agent?: string | undefined },
  sources: ExplainSources,
): Promise<Explanation> {
  const decided = decisionOf(entries, wanted);
  const { entry } = decided;
  const explained = explanationOf(entries, decided);
  const own = entries.filter((located) => located === explained || belongsTo(located, decided));
  const ended = own.find(isEnd);
  const stored = await Promise.all([
    sources.values(decided),
    ended === undefined || !isCompleted(ended) ? undefined : sources.values(ended),
  ]);
  return {
    call: entry.corr.call,
    agent: entry.who.agent,
    tenant: entry.ten,
    ...(entry.corr.sess === undefined ? {} : { session: entry.corr.sess }),
    ...(entry.corr.trace === undefined ? {} : { trace: entry.corr.trace }),
    kind: entry.act.kind,
    resource: entry.act.res,
    decision: entry.eff.d,
    code: entry.why.code,
    decidedAt: entry.ts,
    ...(await explainReasons(entry, { stored: storedIn(stored[0]), explained }, sources)),
    obligations: entry.obl ?? [],
    labels: ended !== undefined && isCompleted(ended) ? (ended.entry.lab ?? []) : [],
    redactions: {
      input: entry.red ?? [],
      output: ended !== undefined && isCompleted(ended) ? (ended.entry.red ?? []) : [],
    },
    ...(entry.run === undefined ? {} : { command: commandOf(entry.run) }),
    outcome: outcomeOf(entry, ended),
    credentials: own.flatMap(({ entry: used }) =>
      used.type === 'credential.used' ? [{ name: used.cred, origin: used.origin, echoed: used.echoed }] : [],
    ),
    values: [
      ...checkedValue('arguments', entry.io.in, stored[0], '/in'),
      ...checkedValue('command', entry.cmd, stored[0], '/cmd'),
      ...(ended !== undefined && isCompleted(ended)
        ? checkedValue('result', ended.entry.io.out, stored[1], '/out')
        : []),
    ],
    ledger: own.map(placeOf),
    rejected,
  };
}

function decisionOf(
  entries: readonly LocatedEntry[],
  { call, agent }: { readonly call: string; readonly agent?: string | undefined },
): Located<DecidedEntry> {
  const decisions = entries.filter(isDecided).filter(({ entry }) => agent === undefined || entry.who.agent === agent);
  const [first] = decisions;
  if (first === undefined) {
    const by = agent === undefined ? '' : ` of the agent \`${agent}\``;
    throw new Fault('INPUT_UNKNOWN_CALL', `no decision on a call \`${call}\`${by} is in the ledger`);
  }
  const agents = [...new Set(decisions.map(({ entry }) => entry.who.agent))];
  if (agents.length > 1) {
    const names = agents.map((name) => `\`${name}\``).join(', ');
    throw new Fault('INPUT_INVALID', `the agents ${names} have a call \`${call}\`: say which with \`--agent\``);
  }
  return first;
}

const isDecided = (located: LocatedEntry): located is Located<DecidedEntry> => located.entry.type.endsWith('.decided');
const isCompleted = (located: LocatedEntry): located is Located<CompletedEntry> =>
  located.entry.type.endsWith('.completed');
const isEnd = (located: LocatedEntry): located is Located<CompletedEntry | EndedEntry> =>
  isCompleted(located) || located.entry.type === 'call.expired' || located.entry.type === 'call.indeterminate';

/** An explanation belongs by what it points at: `explanationOf`. */
function belongsTo({ entry }: LocatedEntry, decided: Located<DecidedEntry>): boolean {
  if (entry.type === 'decision.explained' || entry.type === 'access.evaluated') return false;
  if ('who' in entry) return entry.who.agent === decided.entry.who.agent;
  return entry.type === 'command.refused' && entry.dec.seq === decided.seq && entry.dec.i === decided.i;
}

function commandOf(run: NonNullable<DecidedEntry['run']>): NonNullable<Explanation['command']> {
  return {
    delivery: run.delivery,
    pool: run.pool,
    takeBy: new Date(run.take_by).toISOString(),
    finishBy: new Date(run.finish_by).toISOString(),
  };
}

/** The first terminal entry in stream order counts. */
function outcomeOf(decided: DecidedEntry, ended: Located<CompletedEntry | EndedEntry> | undefined): ExplainedOutcome {
  if (decided.eff.d === 'deny') return { status: 'none' };
  if (ended === undefined) return { status: 'open' };
  const { entry } = ended;
  if (entry.type === 'call.expired') return { status: 'expired', at: entry.ts };
  if (entry.type === 'call.indeterminate') return { status: 'indeterminate', at: entry.ts };
  const { ms, bytes, attempts, llm } = entry.cost;
  return {
    status: entry.eff.d === 'ok' ? 'completed' : 'failed',
    code: entry.why.code,
    at: entry.ts,
    ms,
    ...(bytes === undefined ? {} : { bytes }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(llm === undefined ? {} : { llm }),
    ...(entry.io.cut === undefined ? {} : { cut: entry.io.cut }),
  };
}

/** One value of the vault, and whether it is the one that the ledger commits to. */
export function checkedValue(
  name: ExplainedValue['name'],
  commitment: string | undefined,
  vault: EntryValues | undefined,
  path: string,
): readonly ExplainedValue[] {
  if (commitment === undefined) return [];
  if (vault?.status === 'lost') return [{ name, commitment: 'lost' }];
  if (vault?.status === 'erased') {
    const { ts: at, by, basis, id } = vault.erasure;
    return [{ name, commitment: 'erased', erasure: { at, by, basis, entry: id } }];
  }
  const found = withArguments(storedIn(vault))?.find((each) => each.path === path);
  if (found === undefined) return [{ name, commitment: 'gone' }];
  const opens = opensTo(commitment, found, found.value);
  return [{ name, value: found.value, commitment: opens ? 'opens' : 'differs' }];
}

/** The values with the whole command: arguments that no redaction changed are stored once, as what was asked. */
export function withArguments(stored: readonly PayloadValue[] | undefined): readonly PayloadValue[] | undefined {
  const args = stored?.find(({ path }) => path === '/in')?.value;
  return stored?.map((each) =>
    each.path === '/cmd' && isObject(each.value) && args !== undefined
      ? { ...each, value: { args, ...each.value } }
      : each,
  );
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where an entry stands in the ledger, and whose signature is over it. */
export function placeOf({ seq, i, entry, block: { block, key } }: LocatedEntry): LedgerPlace {
  return {
    type: entry.type,
    ts: entry.ts,
    seq,
    i,
    entry: entry.id,
    leaf: block.leaves[i]?.toString('hex') ?? '',
    block: block.hash,
    producer: block.producer,
    key: block.key,
    signedBy: key.name,
  };
}
