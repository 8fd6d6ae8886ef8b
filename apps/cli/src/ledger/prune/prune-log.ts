import { writeFileAtomic } from '#writ/files';
import {
  type BlockLine,
  formatLogStart,
  LOG_FILES,
  type LogReport,
  type LogStart,
  type LaterStart,
  laterStart,
  logStartOf,
  readLeaves,
  removedFilesOf,
} from '#writ/tlog';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogFolder } from '../log-folder.js';
import type { Retention } from './retention.js';

/** Of so many entries one says when it was written: a message that was refused does not. */
const DATED_WITHIN = 256;
/** As all files of the log. */
const MODE = 0o644;

export interface LogPlanOptions {
  readonly report: LogReport;
  readonly retention: Retention;
  readonly nowMs: number;
  /** The first message of the stream: the log keeps what the stream holds. */
  readonly streamFrom: number;
}

/** Where the log may begin, by its retention; undefined when nothing of it may go. */
export async function planLog(log: LogFolder, options: LogPlanOptions): Promise<LaterStart | undefined> {
  const { report, retention, nowMs, streamFrom } = options;
  const { logAgeMsMax } = retention;
  if (logAgeMsMax === undefined) return undefined;
  const mayGo = async (line: BlockLine) => {
    if (line.seq > streamFrom || line.first >= report.size) return false;
    return (await timeOf(log, line.first, report.size)) <= nowMs - logAgeMsMax;
  };
  return laterStart(log, await logStartOf(log), mayGo);
}

/** When the first of the entries from a leaf on that says it was written; never for none. In milliseconds since 1970. */
async function timeOf(log: LogFolder, from: number, size: number): Promise<number> {
  const to = Math.min(size, from + DATED_WITHIN);
  const texts = await readLeaves({ from, to, size }, (path) => log.require(path));
  for (const text of texts) {
    const { ts } = JSON.parse(text) as { readonly ts?: unknown };
    const ms = typeof ts === 'string' ? Date.parse(ts) : NaN;
    if (!Number.isNaN(ms)) return ms;
  }
  return Infinity;
}

/** Lets a log begin there: says so, durably, and then removes the entries and the block index before it. */
export async function removeFromLog(logDir: string, start: LogStart): Promise<void> {
  const minimum = join(logDir, LOG_FILES.minimum);
  await writeFileAtomic(minimum, formatLogStart(start));
  await chmod(minimum, MODE);
  // If the process dies here files are left that are no part of the log any more; the next removal takes them away.
  for (const path of removedFilesOf(start)) {
    await rm(join(logDir, path), { force: true });
    await rm(join(logDir, `${path}.p`), { recursive: true, force: true });
  }
}
