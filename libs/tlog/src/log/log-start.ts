import { Fault } from '#writ/faults';
import type { Evidence } from './evidence.js';
import { LOG_FILES, type LogDirectory } from './evidence.js';

/** Where a log begins from which the oldest entries were removed. The hash tiles are there from the first leaf on. */
export interface LogStart {
  /** The first leaf whose entry is there: the minimum index of C2SP tlog-tiles. It is the first of a block. */
  readonly leaf: number;
  /** The first file of the block index that is there: its first line is of that leaf. */
  readonly file: number;
}

/** Where a log begins of which nothing was removed. */
export const WHOLE_LOG: LogStart = { leaf: 0, file: 0 };

const START = /^([1-9][0-9]{0,15})\n([1-9][0-9]{0,15})\n$/;

/** The file `minimum` of a log that begins there: leaf and file of the block index, on a line each. */
export function formatLogStart({ leaf, file }: LogStart): string {
  return `${leaf}\n${file}\n`;
}

/** Reads the attacker-controlled file `minimum`; undefined when it is none. */
export function parseLogStart(text: string): LogStart | undefined {
  const [, leaf, file] = START.exec(text) ?? [];
  const start = { leaf: Number(leaf), file: Number(file) };
  return Number.isSafeInteger(start.leaf) && Number.isSafeInteger(start.file) ? start : undefined;
}

/** Where a log directory says that it begins. Throws LEDGER_CORRUPT when its file says nothing. */
export async function logStartOf(directory: Pick<LogDirectory, 'read'>): Promise<LogStart> {
  const content = await directory.read(LOG_FILES.minimum);
  if (content === undefined) return WHOLE_LOG;
  const start = parseLogStart(content.toString('utf8'));
  if (start === undefined)
    throw new Fault('LEDGER_CORRUPT', `the file \`${LOG_FILES.minimum}\` does not say where the log begins`);
  return start;
}

/** Where the log says that it begins. A file that says nothing is a problem, and then it must be whole. */
export async function readLogStart(evidence: Evidence): Promise<LogStart> {
  const content = await evidence.find(LOG_FILES.minimum);
  if (content === undefined) return WHOLE_LOG;
  const start = parseLogStart(content.toString('utf8'));
  if (start !== undefined) return start;
  const message = `the file \`${LOG_FILES.minimum}\` does not say where the log begins`;
  evidence.problems.add('bad_file', message, { file: LOG_FILES.minimum });
  return WHOLE_LOG;
}
