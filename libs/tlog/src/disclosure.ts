import { type Json, type JsonObject, JsonValue, parse, type PayloadValue } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { z } from 'zod';
import { commit, commitList, type MemberCommitments, memberCommitments, memberPath, memberSalt } from './commitment.js';
import { type ProvedEntry, verifyProof } from './log-proof.js';
import { openTrust } from './log/evidence.js';

/** What opens one commitment, or one member of a list of commitments. */
const DisclosedValue = z.strictObject({ path: z.string().max(1_024), salt: z.string().max(64), value: JsonValue });
export type DisclosedValue = Readonly<z.infer<typeof DisclosedValue>>;

const DisclosedEntry = z.strictObject({
  /** A C2SP tlog-proof: the entry, its block and its place in the log. */
  proof: z.string(),
  values: z.array(DisclosedValue).min(1).max(256),
  /** By path: the commitments to all members of a value of which some are disclosed. */
  lists: z.record(z.string(), z.record(z.string(), z.string())).optional(),
});
export type DisclosedEntry = Readonly<z.infer<typeof DisclosedEntry>>;

/** Chosen values of one call, and all that shows them to be what the log commits to, save the root key. */
const Disclosure = z.strictObject({
  v: z.literal(1),
  call: z.string(),
  /** The trust bundle, signed by the root key. */
  bundle: z.string(),
  entries: z.array(DisclosedEntry).min(1).max(16),
});
export type Disclosure = Readonly<z.infer<typeof Disclosure>>;

/** An entry that was shown to be in the log, and values that were shown to be those that it commits to. */
export interface OpenedEntry {
  readonly proved: ProvedEntry;
  readonly values: readonly Pick<DisclosedValue, 'path' | 'value'>[];
}

/** The commitments of an entry, by the paths of their values. */
export function commitmentsOf(entry: ProvedEntry['entry']): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if ('io' in entry && entry.io !== undefined) {
    if ('in' in entry.io) found.set('/in', entry.io.in);
    if ('out' in entry.io) found.set('/out', entry.io.out);
  }
  if ('cmd' in entry && entry.cmd !== undefined) found.set('/cmd', entry.cmd);
  return found;
}

/** What opens a commitment as far as it was chosen to, and the commitments that keep the rest hidden. */
export interface Opening {
  readonly values: readonly DisclosedValue[];
  readonly list?: MemberCommitments;
}

/**
 * Opens a stored value to whoever gets the answer: the member at `path`, or all of it. Undefined when there is no such member, or the
 * value is committed to as a whole and cannot be opened in part.
 */
export function openingOf(commitment: string, stored: PayloadValue, path: string): Opening | undefined {
  const { salt, path: base, value } = stored;
  const list = isObject(value) ? memberCommitments(salt, base, value) : undefined;
  if (!isObject(value) || list === undefined || commitList(base, list) !== commitment) {
    return path === base && commit(salt, base, value) === commitment ? { values: [stored] } : undefined;
  }
  const values = Object.entries(value)
    .map(([name, member]) => ({ path: memberPath(base, name), value: member }))
    .filter((member) => path === base || member.path === path)
    .map((member) => ({ ...member, salt: memberSalt(salt, member.path) }));
  return values.length === 0 ? undefined : { values, list };
}

/**
 * Verifies an attacker-controlled disclosure with the root key alone: each entry is in the log and signed for, and each value is the one
 * that the entry commits to. Throws CONFIG_KEY when the root key did not sign the trust bundle in it, and LEDGER_CORRUPT that says what
 * does not hold.
 */
export function verifyDisclosure(text: string, rootVkey: string): readonly OpenedEntry[] {
  const { bundle, call, entries } = parse(Disclosure, readJson(text), 'LEDGER_CORRUPT');
  const trust = openTrust(bundle, rootVkey);
  return entries.map(({ proof, values, lists = {} }) => {
    const proved = verifyProof(proof, trust);
    if (callOf(proved.entry) !== call) throw corrupt(`entry \`${proved.entry.id}\` is of another call`);
    const commitments = commitmentsOf(proved.entry);
    const paths = new Set(values.map(({ path }) => path));
    if (paths.size < values.length) throw corrupt('a value is in it twice');
    for (const value of values) assertOpens(value, commitments, lists);
    return { proved, values: values.map(({ path, value }) => ({ path, value })) };
  });
}

function assertOpens(
  disclosed: DisclosedValue,
  commitments: ReadonlyMap<string, string>,
  lists: Readonly<Record<string, MemberCommitments>>,
): void {
  const { path, salt, value } = disclosed;
  const opened = commit(salt, path, value);
  if (commitments.get(path) === opened) return;
  const base = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const list = Object.hasOwn(lists, base) ? lists[base] : undefined;
  const name = list === undefined ? undefined : Object.keys(list).find((each) => memberPath(base, each) === path);
  const isListed = list !== undefined && name !== undefined && list[name] === opened;
  if (!isListed || commitList(base, list) !== commitments.get(base)) {
    throw corrupt(`the value at \`${path}\` is not the one that the entry commits to`);
  }
}

function callOf(entry: ProvedEntry['entry']): string | undefined {
  return 'corr' in entry ? entry.corr.call : undefined;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('LEDGER_CORRUPT', 'a disclosure does not hold: it is not JSON', { cause });
  }
}

function corrupt(why: string): Fault {
  return new Fault('LEDGER_CORRUPT', `a disclosure does not hold: ${why}`);
}
