import type { CompletedEntry, DecidedEntry, Entry, EntryOf, PayloadValue } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { commit } from '#writ/tlog';
import type {
  ExplainedClause,
  ExplainedOutcome,
  ExplainedPolicy,
  ExplainedValue,
  Explanation,
  LedgerPlace,
} from './explanation.js';
import type { FoundEntries, LocatedEntry } from './find-call.js';
import { lineAt, policyTextAt } from './policy-place.js';

export interface ExplainSources {
  /** The values behind the commitments of an entry; undefined when they are no longer stored. */
  readonly values: (located: LocatedEntry) => Promise<readonly PayloadValue[] | undefined>;
  /** The text of a policy file as it is now, by the name that decisions use; undefined when there is no such file. */
  readonly policyFile: (file: string) => Promise<string | undefined>;
  /** Hash of the policies as they are now; undefined when it is not known. */
  readonly bundleNow: string | undefined;
}

export type Located<E extends Entry> = LocatedEntry & { readonly entry: E };
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
  const own = entries.filter((located) => belongsTo(located, decided));
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
    bundle: { hash: entry.why.bundle, onDisk: comparison(entry.why.bundle, sources.bundleNow) },
    ...(await explainReasons(entry, stored[0], sources)),
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

function belongsTo({ entry }: LocatedEntry, decided: Located<DecidedEntry>): boolean {
  if ('who' in entry) return entry.who.agent === decided.entry.who.agent;
  return entry.type === 'command.refused' && entry.dec.seq === decided.seq && entry.dec.i === decided.i;
}

export function comparison(decided: string, now: string | undefined): 'same' | 'other' | 'unknown' {
  if (now === undefined) return 'unknown';
  return now === decided ? 'same' : 'other';
}

export async function explainReasons(
  entry: Pick<DecidedEntry, 'why'>,
  stored: readonly PayloadValue[] | undefined,
  sources: ExplainSources,
): Promise<Pick<Explanation, 'policies' | 'held' | 'logged' | 'remedies' | 'nearest' | 'errors'>> {
  const { pol, log = [], rem = [], err = [] } = entry.why;
  const explained = (policies: DecidedEntry['why']['pol']) =>
    Promise.all(policies.map((policy) => explainPolicy(policy, sources)));
  return {
    policies: await explained(pol),
    held: await explainHeld(entry, stored, sources),
    logged: await explained(log),
    remedies: rem,
    nearest: await explainNearMisses(entry, stored, sources),
    errors: err,
  };
}

async function explainPolicy(
  { id, effect, file, line, col }: DecidedEntry['why']['pol'][number],
  { policyFile }: ExplainSources,
): Promise<ExplainedPolicy> {
  const source = await policyFile(file);
  const text = source === undefined ? undefined : policyTextAt(source, line, col);
  return { id, effect, at: `${file}:${line}`, ...(text === undefined ? {} : { text }) };
}

async function explainNearMisses(
  entry: Pick<DecidedEntry, 'why'>,
  stored: readonly PayloadValue[] | undefined,
  sources: ExplainSources,
): Promise<readonly ExplainedClause[]> {
  // What the clauses read is stored with the arguments, because it is values.
  const read = new Map(listAt<{ id: string; values: Read }>(stored, '/near').map(({ id, values }) => [id, values]));
  const near = entry.why.near ?? [];
  return Promise.all(
    near.map(({ failed, ...place }) => explainClause({ ...place, clause: failed, read: read.get(place.id) }, sources)),
  );
}

async function explainHeld(
  entry: Pick<DecidedEntry, 'why'>,
  stored: readonly PayloadValue[] | undefined,
  sources: ExplainSources,
): Promise<readonly ExplainedClause[]> {
  const files = new Map(entry.why.pol.map(({ id, file }) => [id, file]));
  const held = listAt<{ id: string; line: number; col: number; clause: string; values: Read }>(stored, '/held');
  return Promise.all(
    held.map(({ values, ...clause }) =>
      explainClause({ ...clause, file: files.get(clause.id) ?? '', read: values }, sources),
    ),
  );
}

type Read = ExplainedClause['read'];

async function explainClause(
  clause: { id: string; file: string; line: number; col: number; clause: string; read: Read | undefined },
  { policyFile }: ExplainSources,
): Promise<ExplainedClause> {
  const { id, file, line, col, read = {} } = clause;
  const text = await policyFile(file);
  const source = text === undefined ? undefined : lineAt(text, line);
  const base = { id, at: `${file}:${line}`, col, clause: clause.clause, read };
  return source === undefined ? base : { ...base, source };
}

function listAt<T>(stored: readonly PayloadValue[] | undefined, at: string): readonly T[] {
  const value = stored?.find(({ path }) => path === at)?.value;
  return Array.isArray(value) ? (value as unknown as readonly T[]) : [];
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
  const { ms, bytes } = entry.cost;
  return {
    status: entry.eff.d === 'ok' ? 'completed' : 'failed',
    code: entry.why.code,
    at: entry.ts,
    ms,
    ...(bytes === undefined ? {} : { bytes }),
  };
}

export function checkedValue(
  name: ExplainedValue['name'],
  commitment: string | undefined,
  stored: readonly PayloadValue[] | undefined,
  path: string,
): readonly ExplainedValue[] {
  if (commitment === undefined) return [];
  const found = stored?.find((each) => each.path === path);
  if (found === undefined) return [{ name, commitment: 'gone' }];
  const opens = commit(found.salt, path, found.value) === commitment;
  return [{ name, value: found.value, commitment: opens ? 'opens' : 'differs' }];
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
