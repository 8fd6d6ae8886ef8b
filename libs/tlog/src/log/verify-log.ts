import type { TreeHead } from '../checkpoint.js';
import { ProblemList, type VerifyReport } from '../report.js';
import { blockLines, sizeOfIndex } from './block-index.js';
import { Evidence, readTrust, type LogDirectory } from './evidence.js';
import { type Freshness, newestCosignature } from './freshness.js';
import { readHeads } from './heads.js';
import { readLogStart } from './log-start.js';
import { type LogCounts, LogRun } from './log-run.js';

export interface VerifyLogOptions {
  /** The root key as the caller knows it. Absent: the one in the directory is used, and the report says so. */
  readonly rootVkey?: string | undefined;
  /** A head that the caller remembers from before; the log must still contain it. */
  readonly remembered?: TreeHead | undefined;
  /** false: roots, block signatures and chains alone, and no look into the entries. */
  readonly isStrict?: boolean | undefined;
  /** When the log is looked at. Absent: how old its newest cosignature is, is not judged. */
  readonly freshness?: Freshness | undefined;
  /** Hears now and then how many leaves were verified, and of how many. */
  readonly onProgress?: ((done: number, size: number) => void) | undefined;
}

/** What the verification of a log directory found. */
export interface LogReport extends VerifyReport, LogCounts {
  /** Whether the entries themselves were checked: canonical form, schema, decisions and their outcomes. */
  readonly isStrict: boolean;
  /** The leaf from which on entries were checked: those before it were removed, and their hashes alone are there. */
  readonly from: number;
  /** Size of the newest head that a quorum of witnesses cosigned; null when there is none, or no quorum is asked for. */
  readonly witnessedSize: number | null;
  /** Heads that the log signed and that were checked. */
  readonly heads: number;
  /** Witnesses that cosigned the newest head, and how many must. */
  readonly witnesses: readonly string[];
  readonly quorum: number;
  /** When a witness last cosigned a head, in seconds since 1970; null when none did. */
  readonly cosignedAt: number | null;
}

/**
 * Verifies an attacker-controlled log directory offline, against the root key alone. Whatever is missing, damaged or forged becomes a
 * problem that names the file, producer, block and entry as far as can be told; it throws for nothing that the directory holds.
 * It reads the log once, and holds per call, producer, entry id and checkpoint what it needs to compare, never the entries.
 */
export async function verifyLog(directory: LogDirectory, options: VerifyLogOptions = {}): Promise<LogReport> {
  const { remembered, onProgress, isStrict = true } = options;
  const problems = new ProblemList();
  const evidence = new Evidence(directory, problems);
  const found = {
    isStrict,
    from: 0,
    witnessedSize: null,
    heads: 0,
    witnesses: [],
    quorum: 0,
    cosignedAt: null,
    ...NOTHING,
  };
  const trust = await readTrust(evidence, options.rootVkey);
  if (trust === undefined) return { ...found, ...verdictOf(problems) };
  const heads = await readHeads(evidence, trust);
  const head = heads.at(-1);
  if (head === undefined) problems.add('no_head', 'there is no signed head, so a missing end cannot be noticed');
  // The lines are read twice only where nothing else says how large the log is; what is wrong with them is told the second time.
  const start = await readLogStart(evidence);
  const lines = blockLines(new Evidence(directory, new ProblemList()), start.file);
  const size = head?.size ?? (await sizeOfIndex(lines));
  const cosignedAt = newestCosignature(heads, options.freshness, problems);
  const run = new LogRun(evidence, { trust, heads, size, remembered, isStrict, start, onProgress });
  await run.verify();
  const { quorum } = trust.witnesses;
  const witnessed = quorum === 0 ? undefined : heads.findLast(({ cosigners }) => cosigners.length >= quorum);
  return {
    ...run.counts(),
    ...{ isStrict, from: start.leaf, witnessedSize: witnessed?.size ?? null, heads: heads.length, quorum, cosignedAt },
    witnesses: head?.cosigners.map(({ name }) => name) ?? [],
    ...verdictOf(problems),
  };
}

/** What is known of a log whose trust bundle does not open: nothing else in it can be judged. */
const NOTHING: LogCounts = {
  ...{ ledger: '', frozen: null, previous: null },
  ...{ blocks: 0, entries: 0, producers: [], openCalls: 0, size: 0, root: '', rejected: 0 },
};

function verdictOf(problems: ProblemList): Pick<LogReport, 'exit' | 'problems' | 'problemsOmitted'> {
  return { exit: problems.exit, problems: problems.listed, problemsOmitted: problems.omitted };
}
