import { deploymentPaths } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { type LedgerStatus, ledgerStatus, openOperator } from '#writ/operator';
import {
  type ChainReport,
  type LogReport,
  parseCheckpoint,
  type TreeHead,
  verifyChain,
  type VerifyLogOptions,
} from '#writ/tlog';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportLog } from './ledger/export-directory.js';
import { LogFolder } from './ledger/log-folder.js';
import { untilSealed } from './ledger/until-sealed.js';

export { runContinue } from './ledger/continue/run-continue.js';
export { logsOf } from './ledger/earlier-logs.js';
export { linesOf, openTokens } from './ledger/detokenise.js';
export { disclose, verifyDisclosureFile, writeDisclosure } from './ledger/disclose.js';
export { erase, eraseAgain, targetOf } from './ledger/erase.js';
export { addTenantKey, rewrap } from './ledger/rewrap.js';
export { formatDisclosureReport } from './ledger/format-disclosure.js';
export { readDuration, readTime } from './ledger/freshness.js';
export { runPrune } from './ledger/prune/run-prune.js';
export { formatChain, formatReport } from './ledger/format-report.js';
export { formatProofReport, verifyProofFile, writeProofs } from './ledger/prove-files.js';

export interface ExportRequest {
  readonly directory: string;
  readonly dataDir: string;
  /** Directory of the log; absent: that of the data directory. */
  readonly log: string | undefined;
  /** A checkpoint file that the caller has kept. */
  readonly head: string | undefined;
  readonly note: (line: string) => void;
}

/**
 * Copies the log into a new directory and verifies the copy. While the deployment runs here it waits, a few seconds at most, until
 * the log holds all that the ledger had when it was asked. Throws CONFIG_*, LEDGER_*.
 */
export async function exportLedger({ directory, dataDir, log, head, note }: ExportRequest): Promise<LogReport> {
  const paths = deploymentPaths(dataDir);
  if (log === undefined) await untilSealed(dataDir, note);
  return exportLog(directory, log ?? paths.logDir, {
    rootVkey: (await readText(paths.rootVkey)).trim(),
    remembered: head === undefined ? undefined : await rememberedHead(head),
    onProgress: (done, size) => note(`${done} of ${size} entries verified`),
  });
}

/**
 * Verifies a log directory offline, also while its sealer writes on, and those of the ledgers before it as far as they are named.
 * Throws CONFIG_NOT_FOUND for one that is not there, which is no finding about a log.
 */
export async function verifyDirectories(
  directory: string,
  previous: readonly string[],
  options: VerifyLogOptions,
): Promise<ChainReport> {
  for (const each of [directory, ...previous])
    if (!existsSync(each)) throw new Fault('CONFIG_NOT_FOUND', `there is no log \`${each}\``);
  const earlier = previous.map((each) => new LogFolder(each));
  return verifyChain(new LogFolder(directory), earlier, options, (ms) => sleep(ms));
}

/** How full the streams of a running deployment are. */
export async function statusOf(dataDir: string): Promise<LedgerStatus> {
  const operator = await openOperator({ dataDir, url: process.env['WRIT_NATS_URL'] });
  return ledgerStatus(operator).finally(() => operator.close());
}

/** A vkey as it was typed, or from the file of that name. */
export async function rootVkey(vkeyOrFile: string): Promise<string> {
  const isVkey = /^[^\s+/]\S*\+[0-9a-f]{8}\+\S+$/.test(vkeyOrFile);
  return isVkey ? vkeyOrFile : (await readText(vkeyOrFile)).trim();
}

/** The head in a checkpoint file that the caller has kept. It is the caller's own memory: its signature is not asked for. */
export async function rememberedHead(file: string): Promise<TreeHead> {
  const note = await readText(file);
  const end = note.indexOf('\n\n');
  try {
    return parseCheckpoint(end < 0 ? note : note.slice(0, end + 1));
  } catch (cause) {
    throw new Fault('CONFIG_INVALID', `\`${file}\` is not a checkpoint`, { cause });
  }
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Fault('CONFIG_NOT_FOUND', `the file \`${file}\` cannot be read`, { cause });
  });
}
