import { deploymentPaths } from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import {
  entriesOfCall,
  entryValues,
  type EntryValues,
  type LocatedEntry,
  openOperator,
  type Operator,
  withArguments,
} from '#writ/operator';
import {
  commitmentsOf,
  type DisclosedEntry,
  type Disclosure,
  LOG_FILES,
  openingOf,
  type OpenedEntry,
  proveCall,
  verifyDisclosure,
  type VerifyExit,
} from '#writ/tlog';
import { readFile, writeFile } from 'node:fs/promises';
import { UsageError } from '../failure.js';
import { logsOf } from './earlier-logs.js';
import { LogFolder } from './log-folder.js';
import { untilSealed } from './until-sealed.js';

/** All values of a call fit, and their proofs. */
const DISCLOSURE_BYTES_MAX = 16 * 1024 * 1024;

export interface DiscloseRequest {
  readonly call: string;
  /** Whose call, when several agents have one with that id. */
  readonly agent: string | undefined;
  /** JSON Pointers such as `/in/amount` and `/out`. */
  readonly fields: readonly string[];
  readonly dataDir: string;
  readonly log: string | undefined;
  readonly note: (line: string) => void;
}

/**
 * Chosen values of a call with what shows them to be those that the log commits to. Throws INPUT_UNKNOWN_CALL, LEDGER_VALUE_GONE when
 * one was erased or is past retention, UsageError for a field that the call does not have, CONFIG_* and LEDGER_*.
 */
export async function disclose(request: DiscloseRequest): Promise<Disclosure> {
  const { call, fields, dataDir, note } = request;
  const paths = deploymentPaths(dataDir);
  if (request.log === undefined) await untilSealed(dataDir, note);
  const logs = request.log === undefined ? await logsOf(dataDir) : [request.log];
  const rootVkey = (await readFile(paths.rootVkey, 'utf8')).trim();
  const operator = await openOperator({ dataDir, url: process.env['WRIT_NATS_URL'] });
  try {
    const located = await entriesOf(operator, request);
    const { bundle, proofs } = await provedIn(logs, call, rootVkey);
    const entries: DisclosedEntry[] = [];
    const missing = new Set(fields);
    for (const { text, proved } of proofs) {
      const entry = located.get(proved.entry.id);
      const wanted = fields.filter((field) => commitmentsOf(proved.entry).has(baseOf(field)));
      if (entry === undefined || wanted.length === 0) continue;
      entries.push({ proof: text, ...opened(wanted, entry, await entryValues(operator, entry)) });
      for (const field of wanted) missing.delete(field);
    }
    const [first] = missing;
    if (first !== undefined) throw new UsageError(`no entry of the call \`${call}\` commits to \`${first}\``);
    return { v: 1, call, bundle: bundle.toString('utf8'), entries };
  } finally {
    await operator.close();
  }
}

/** The proofs of a call's entries from the newest log that has any, with the trust bundle of that log. Throws what `proveCall` throws. */
async function provedIn(logs: readonly string[], call: string, rootVkey: string) {
  let missing: unknown;
  for (const log of logs.map((directory) => new LogFolder(directory))) {
    const bundle = await log.read(LOG_FILES.bundle);
    try {
      if (bundle === undefined)
        throw new Fault('CONFIG_NOT_FOUND', `\`${log.directory}\` is no log: it has no trust bundle`);
      return { bundle, proofs: await proveCall(log, call, rootVkey) };
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'CONFIG_NOT_FOUND') throw error;
      missing ??= error;
    }
  }
  throw missing;
}

async function entriesOf(
  operator: Operator,
  { call, agent }: DiscloseRequest,
): Promise<ReadonlyMap<string, LocatedEntry>> {
  const { entries } = await entriesOfCall(operator, call);
  const own = entries.filter(({ entry }) => 'who' in entry && (agent === undefined || entry.who.agent === agent));
  const agents = new Set(own.map(({ entry }) => ('who' in entry ? entry.who.agent : '')));
  if (agents.size === 0) throw new Fault('INPUT_UNKNOWN_CALL', `no call \`${call}\` is in the ledger`);
  if (agents.size > 1) {
    throw new UsageError(`the agents ${[...agents].join(', ')} have a call \`${call}\`: say which with \`--agent\``);
  }
  return new Map(own.map((located) => [located.entry.id, located]));
}

/** What opens those fields. */
function opened(
  fields: readonly string[],
  { entry }: LocatedEntry,
  vault: EntryValues,
): Pick<DisclosedEntry, 'values' | 'lists'> {
  if (vault.status !== 'stored')
    throw new Fault('LEDGER_VALUE_GONE', `${whatBecameOf(vault)}: nothing can be disclosed`);
  const commitments = commitmentsOf(entry);
  const values = new Map<string, DisclosedEntry['values'][number]>();
  const lists: NonNullable<DisclosedEntry['lists']> = {};
  for (const field of fields) {
    const base = baseOf(field);
    const stored = withArguments(vault.values)?.find(({ path }) => path === base);
    const opening = stored === undefined ? undefined : openingOf(commitments.get(base) ?? '', stored, field);
    if (opening === undefined) {
      throw new UsageError(
        `\`${field}\` cannot be disclosed by itself: the call has no such member, or it commits to all of \`${base}\``,
      );
    }
    for (const value of opening.values) values.set(value.path, value);
    if (opening.list !== undefined) lists[base] = opening.list;
  }
  return { values: [...values.values()], ...(Object.keys(lists).length > 0 && { lists }) };
}

function whatBecameOf(vault: Exclude<EntryValues, { readonly status: 'stored' }>): string {
  switch (vault.status) {
    case 'erased':
      return `the values were erased by ${vault.erasure.by} on ${vault.erasure.ts.slice(0, 10)}`;
    case 'lost':
      return 'the key of the values is missing, and no erasure of it is on record';
    case 'gone':
      return 'the values are no longer stored';
  }
}

/** `/in` of `/in/amount`. */
function baseOf(field: string): string {
  return `/${field.split('/')[1] ?? ''}`;
}

/** Writes a disclosure to a file that is not there yet. Throws CONFIG_DATA_DIR. */
export async function writeDisclosure(file: string, disclosure: Disclosure): Promise<void> {
  // Values of people are in it: nobody else reads it, and nothing is written over.
  await writeFile(file, `${JSON.stringify(disclosure, null, 2)}\n`, { mode: 0o600, flag: 'wx' }).catch(
    (cause: unknown) => {
      throw new Fault('CONFIG_DATA_DIR', `the disclosure cannot be written to \`${file}\``, { cause });
    },
  );
}

/** What the verification of a disclosure found. */
export interface DisclosureReport {
  readonly exit: VerifyExit;
  readonly entries: readonly OpenedEntry[];
  /** What does not hold. */
  readonly message?: string;
}

/**
 * Verifies one attacker-controlled disclosure with the root key. Throws CONFIG_NOT_FOUND when the file cannot be read, CONFIG_INVALID when
 * it is too large for one, and CONFIG_KEY when the root key did not sign the trust bundle in it.
 */
export async function verifyDisclosureFile(file: string, rootVkey: string): Promise<DisclosureReport> {
  const content = await readFile(file).catch((cause: unknown) => {
    throw new Fault('CONFIG_NOT_FOUND', `the file \`${file}\` cannot be read`, { cause });
  });
  if (content.length > DISCLOSURE_BYTES_MAX) {
    throw new Fault('CONFIG_INVALID', `the file \`${file}\` is too large for a disclosure`);
  }
  try {
    const entries = verifyDisclosure(content.toString('utf8'), rootVkey);
    const isWitnessed = entries.every(({ proved: { quorum, witnesses } }) => quorum > 0 && witnesses.length >= quorum);
    return { exit: isWitnessed ? 0 : 10, entries };
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code === 'CONFIG_KEY') throw thrown;
    return { exit: 40, entries: [], message: messageOf(thrown) };
  }
}
