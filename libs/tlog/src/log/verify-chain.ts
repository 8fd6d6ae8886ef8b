import { messageOf } from '#writ/faults';
import { openCheckpoint } from '../checkpoint.js';
import type { Problem } from '../report.js';
import { PROBLEM_EXITS, type VerifyExit } from '../report.js';
import { LOG_FILES, type LogDirectory, openTrust } from './evidence.js';
import { verifyGrowingLog } from './verify-growing-log.js';
import { type LogReport, verifyLog, type VerifyLogOptions } from './verify-log.js';

/** What the verification of ledgers that follow each other found. */
export interface ChainReport {
  /** Of the newest, with a problem for each link of the chain that does not hold. */
  readonly report: LogReport;
  /** Of the ledgers before it, newest first, as far as they were given and one leads to the other. */
  readonly previous: readonly LogReport[];
  /** The highest of all. */
  readonly exit: VerifyExit;
}

/**
 * Verifies a log as `verifyGrowingLog` does, and the logs of the ledgers before it, in any order, under the same root key: that the
 * first entry of each names exactly the last checkpoint of the one before, which must have ended for it. A log that is no part of the
 * chain is a problem. Never throws for what the directories hold.
 */
export async function verifyChain(
  newest: LogDirectory,
  earlier: readonly LogDirectory[],
  options: VerifyLogOptions,
  sleep: (ms: number) => Promise<void>,
): Promise<ChainReport> {
  let report = await verifyGrowingLog(newest, options, sleep);
  const rootVkey = options.rootVkey ?? (await textOf(newest, LOG_FILES.rootVkey))?.trim();
  const { isStrict, onProgress } = options;
  let rest: readonly Earlier[] = [];
  for (const directory of earlier)
    rest = [...rest, { directory, report: await verifyLog(directory, { rootVkey, isStrict, onProgress }) }];
  const chain: LogReport[] = [];
  let current = report;
  for (let found = before(current, rest); found !== undefined; found = before(current, rest)) {
    const problem = await wrongLink(current, found, rootVkey);
    if (problem !== undefined) report = withProblem(report, problem);
    chain.push(found.report);
    rest = rest.filter((each) => each !== found);
    current = found.report;
  }
  for (const {
    report: { ledger },
  } of rest)
    report = withProblem(report, `the ledger \`${ledger}\` that was given is not the one before \`${current.ledger}\``);
  const exits = [report, ...chain].map(({ exit }) => exit);
  return { report, previous: chain, exit: exits.reduce((a, b) => (b > a ? b : a)) };
}

interface Earlier {
  readonly directory: LogDirectory;
  readonly report: LogReport;
}

function before({ previous }: LogReport, earlier: readonly Earlier[]): Earlier | undefined {
  return earlier.find(({ report }) => report.ledger === previous?.ledger);
}

/** What does not hold between a ledger and the one before it, as a sentence. */
async function wrongLink(
  { ledger, previous }: LogReport,
  { directory, report }: Earlier,
  rootVkey: string | undefined,
): Promise<string | undefined> {
  if (previous === null) return undefined;
  if (report.frozen !== ledger) {
    const end = report.frozen === null ? 'has not ended' : `goes on as \`${report.frozen}\``;
    return `the ledger \`${report.ledger}\` ${end}, and \`${ledger}\` says that it goes on from it`;
  }
  if (report.size !== previous.size || report.root !== previous.root) {
    const [claimed, found] = [previous, report].map(({ size, root }) => `${size} entries, root ${root}`);
    return `\`${ledger}\` goes on from \`${previous.ledger}\` with ${claimed}; that one ends with ${found}`;
  }
  const bundle = await textOf(directory, LOG_FILES.bundle);
  if (bundle === undefined || rootVkey === undefined) return undefined;
  try {
    const { authority } = openTrust(bundle, rootVkey);
    const { size, root } = openCheckpoint(previous.checkpoint, authority.ledger, authority.logKeys());
    if (size === report.size && root === report.root) return undefined;
    return `the checkpoint in the first entry of \`${ledger}\` is not the last one of \`${report.ledger}\``;
  } catch (thrown) {
    return `the checkpoint in the first entry of \`${ledger}\` does not open: ${messageOf(thrown)}`;
  }
}

function withProblem(report: LogReport, message: string): LogReport {
  const exit = PROBLEM_EXITS.not_continued;
  const problem: Problem = { exit, code: 'not_continued', message };
  return { ...report, exit, problems: [...report.problems, problem] };
}

async function textOf(directory: LogDirectory, path: string): Promise<string | undefined> {
  const content = await directory.read(path).catch(() => undefined);
  return content?.toString('utf8');
}
