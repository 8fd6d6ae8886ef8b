import type { LogDirectory } from './evidence.js';
import { LOG_FILES } from './evidence.js';
import { SettledLog } from './settled-log.js';
import { type LogReport, verifyLog, type VerifyLogOptions } from './verify-log.js';

const LOOK_EVERY_MS = 100;
/** A checkpoint follows what was written within a second, and within two when witnesses are slow. */
const GROWS_WITHIN_MS = 3_000;

/**
 * Verifies a log directory that may be growing, up to the checkpoint that it has at the beginning. What stands after that checkpoint
 * is left out only when a larger checkpoint follows within 3 seconds; otherwise nobody is writing, and it is verified as it lies there.
 * When its oldest entries are removed meanwhile it is verified once more.
 */
export async function verifyGrowingLog(
  directory: LogDirectory,
  options: VerifyLogOptions,
  sleep: (ms: number) => Promise<void>,
): Promise<LogReport> {
  const start = await minimumOf(directory);
  const report = await verifySettled(directory, options, sleep);
  return (await minimumOf(directory)) === start ? report : verifySettled(directory, options, sleep);
}

async function minimumOf(directory: LogDirectory): Promise<string | undefined> {
  const content = await directory.read(LOG_FILES.minimum).catch(() => undefined);
  return content?.toString('utf8');
}

async function verifySettled(
  directory: LogDirectory,
  options: VerifyLogOptions,
  sleep: (ms: number) => Promise<void>,
): Promise<LogReport> {
  const settled = await SettledLog.of(directory);
  if (settled === undefined) return verifyLog(directory, options);
  const report = await verifyLog(settled, options);
  if (!settled.hasLeftOut) return report;
  for (let waited = 0; waited < GROWS_WITHIN_MS; waited += LOOK_EVERY_MS) {
    const now = await SettledLog.of(directory);
    if (now !== undefined && now.size > settled.size) return report;
    await sleep(LOOK_EVERY_MS);
  }
  return verifyLog(directory, options);
}
