import { closedPlace, deploymentPaths, readTrustBundle } from '#writ/deployment';
import { LOG_FILES } from '#writ/tlog';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The log of a ledger that has ended, where it was moved to. */
export interface EarlierLog {
  readonly ledger: string;
  readonly directory: string;
  /** The last message of the stream that is in it. */
  readonly seq: number;
  readonly size: number;
}

/**
 * The logs of the ledgers before the one of a deployment that are on this machine, oldest first, by its trust bundle. `WRIT_LOG_DIR`
 * says where the log of now is when it is not in the data directory. Throws CONFIG_KEY.
 */
export async function earlierLogs(dataDir: string): Promise<readonly EarlierLog[]> {
  const paths = deploymentPaths(dataDir);
  const { closed = [] } = await readTrustBundle(paths);
  const log = process.env['WRIT_LOG_DIR'] ?? paths.logDir;
  return closed
    .map(({ ledger, seq, size }) => ({ ledger, seq, size, directory: closedPlace(log, ledger) }))
    .filter(({ directory }) => existsSync(join(directory, LOG_FILES.checkpoint)));
}

/** The directories of all logs of a deployment on this machine, newest first. Without a trust bundle: the one of now. */
export async function logsOf(dataDir: string): Promise<readonly string[]> {
  const paths = deploymentPaths(dataDir);
  const now = process.env['WRIT_LOG_DIR'] ?? paths.logDir;
  if (!existsSync(paths.trustBundle)) return [now];
  return [now, ...(await earlierLogs(dataDir)).map(({ directory }) => directory).toReversed()];
}
