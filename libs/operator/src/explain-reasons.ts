import type { DecidedEntry, Entry, EntryOf, PayloadValue } from '#writ/contracts';
import { type EntryValues, storedIn } from './entry-values.js';
import type { ExplainedClause, ExplainedPolicy, Explanation } from './explanation.js';
import type { LocatedEntry } from './find-call.js';
import { lineAt, policyTextAt } from './policy-place.js';
import { type PolicySources, policyTexts, type PolicyTexts } from './policy-texts.js';

export interface ExplainSources extends PolicySources {
  /** The values behind the commitments of an entry, or what became of them. */
  readonly values: (located: LocatedEntry) => Promise<EntryValues>;
  /** Hash of the policies as they are now; undefined when it is not known. */
  readonly bundleNow: string | undefined;
}

export type Located<E extends Entry> = LocatedEntry & { readonly entry: E };
type ExplainedEntry = EntryOf<'decision.explained'>;

/**
 * What its own producer wrote after a decision to explain exactly that one. What another producer wrote, or what points elsewhere,
 * explains nothing, whatever it says.
 */
export function explanationOf(
  entries: readonly LocatedEntry[],
  { seq, i, entry, block: { block } }: Located<DecidedEntry | EntryOf<'access.evaluated'>>,
): Located<ExplainedEntry> | undefined {
  const call = entry.type === 'access.evaluated' ? entry.req.eval : entry.corr.call;
  return entries.filter(isExplained).find((each) => {
    const { of, who, corr } = each.entry;
    const isSameCall = corr.call === call && who.agent === entry.who.agent;
    return isSameCall && of.seq === seq && of.i === i && each.block.block.producer === block.producer && each.seq > seq;
  });
}

const isExplained = (located: LocatedEntry): located is Located<ExplainedEntry> =>
  located.entry.type === 'decision.explained';

/** What a decision was made from: the values stored with it, and what explains it when it is a default deny. */
interface Grounds {
  readonly stored: readonly PayloadValue[] | undefined;
  readonly explained: Located<ExplainedEntry> | undefined;
}

type Reasons = Pick<Explanation, 'bundle' | 'policies' | 'held' | 'logged' | 'remedies' | 'nearest' | 'errors'>;

/** Why a decision is what it is, with the texts of the policies as they decided, as far as they are still kept. */
export async function explainReasons(
  { why }: Pick<DecidedEntry, 'why'>,
  grounds: Grounds,
  sources: ExplainSources,
): Promise<Reasons> {
  const { bundle, pol, log = [], rem = [], err = [] } = why;
  const texts = await policyTexts(bundle, sources);
  const explained = (policies: DecidedEntry['why']['pol']) =>
    Promise.all(policies.map((policy) => explainPolicy(policy, texts)));
  const clauses = (told: readonly ToldClause[]) => Promise.all(told.map((clause) => explainClause(clause, texts)));
  return {
    bundle: { hash: bundle, onDisk: comparison(bundle, sources.bundleNow), texts: texts.are },
    policies: await explained(pol),
    held: await clauses(heldClauses(why, grounds.stored)),
    logged: await explained(log),
    remedies: rem,
    nearest: await clauses(await nearMisses(why, grounds, sources)),
    errors: err,
  };
}

function comparison(decided: string, now: string | undefined): Explanation['bundle']['onDisk'] {
  if (now === undefined) return 'unknown';
  return now === decided ? 'same' : 'other';
}

async function explainPolicy(
  { id, effect, file, line, col }: DecidedEntry['why']['pol'][number],
  texts: PolicyTexts,
): Promise<ExplainedPolicy> {
  const source = await texts.of(file, id);
  const text = source === undefined ? undefined : policyTextAt(source, line, col);
  return { id, effect, at: `${file}:${line}:${col}`, ...(text === undefined ? {} : { text }) };
}

/** A clause as the ledger and the payload store tell of it. */
interface ToldClause {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly clause: string;
  readonly read: Read | undefined;
}

/** Earlier releases recorded the near misses in the decision itself. */
async function nearMisses(
  why: DecidedEntry['why'],
  { stored, explained }: Grounds,
  { values }: ExplainSources,
): Promise<readonly ToldClause[]> {
  const near = explained?.entry.near ?? why.near ?? [];
  // What the clauses read is stored apart from the entry, because it is values.
  const kept = listAt<{ id: string; values: Read }>(
    explained === undefined ? stored : storedIn(await values(explained)),
    '/near',
  );
  const read = new Map(kept.map((each) => [each.id, each.values]));
  return near.map(({ failed, ...place }) => ({ ...place, clause: failed, read: read.get(place.id) }));
}

function heldClauses(why: DecidedEntry['why'], stored: readonly PayloadValue[] | undefined): readonly ToldClause[] {
  const files = new Map(why.pol.map(({ id, file }) => [id, file]));
  const held = listAt<Omit<ToldClause, 'file' | 'read'> & { readonly values: Read }>(stored, '/held');
  return held.map(({ values, ...clause }) => ({ ...clause, file: files.get(clause.id) ?? '', read: values }));
}

type Read = ExplainedClause['read'];

async function explainClause(told: ToldClause, texts: PolicyTexts): Promise<ExplainedClause> {
  const { id, file, line, col, clause, read = {} } = told;
  const text = await texts.of(file, id);
  const source = text === undefined ? undefined : lineAt(text, line);
  const base = { id, at: `${file}:${line}:${col}`, col, clause, read };
  return source === undefined || !standsThere(source, col, clause) ? base : { ...base, source };
}

/** A line where something else stands by now would have its mark under what was never evaluated. */
function standsThere(source: string, col: number, clause: string): boolean {
  const [first = ''] = clause.replace(/^(when|unless) /, '').split(/\r?\n/);
  return first === CUT || source.slice(col - 1).startsWith(first);
}

/** What stands for a clause whose text was not to be found. */
const CUT = '…';

function listAt<T>(stored: readonly PayloadValue[] | undefined, at: string): readonly T[] {
  const value = stored?.find(({ path }) => path === at)?.value;
  return Array.isArray(value) ? (value as unknown as readonly T[]) : [];
}
