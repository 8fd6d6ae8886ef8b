import type { DecidedEntry, Entry, EntryOf, PayloadValue } from '#writ/contracts';
import type { ExplainedClause, ExplainedPolicy, Explanation } from './explanation.js';
import type { LocatedEntry } from './find-call.js';
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

export async function explainReasons(
  entry: Pick<DecidedEntry, 'why'>,
  { stored, explained: explanation }: Grounds,
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
    nearest: await explainNearMisses(entry, { stored, explained: explanation }, sources),
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

/** Earlier releases recorded the near misses in the decision itself. */
async function explainNearMisses(
  entry: Pick<DecidedEntry, 'why'>,
  { stored, explained }: Grounds,
  sources: ExplainSources,
): Promise<readonly ExplainedClause[]> {
  const near = explained?.entry.near ?? entry.why.near ?? [];
  // What the clauses read is stored apart from the entry, because it is values.
  const values = explained === undefined ? stored : await sources.values(explained);
  const read = new Map(listAt<{ id: string; values: Read }>(values, '/near').map((each) => [each.id, each.values]));
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
