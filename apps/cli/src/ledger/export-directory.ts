import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '#writ/faults';
import { syncDirectory } from '#writ/files';
import {
  blockFilesOf,
  CHECKPOINTS_FOLDER,
  LOG_FILES,
  type LogReport,
  openCheckpoint,
  openTrust,
  parseLogStart,
  tileFilesOf,
  type TreeHead,
  verifyLog,
  WHOLE_LOG,
} from '#writ/tlog';
import { LogFolder } from './log-folder.js';
import { README_TEXT } from './readme-text.js';

const ATTEMPTS_MAX = 3;

export interface ExportOptions {
  /** The root key of the deployment. */
  readonly rootVkey: string;
  /** The head of the last export, if one is remembered: the log must contain it. */
  readonly remembered?: TreeHead | undefined;
  readonly onProgress?: ((done: number, size: number) => void) | undefined;
}

/**
 * Copies the log as it is under its newest checkpoint into a new directory, with all that an offline verifier needs, and verifies the
 * copy. Nothing is signed here: the sealer alone signs. The directory appears whole or not at all; a log that does not verify is
 * copied as it is, and the report says so. Throws CONFIG_NOT_FOUND when there is no checkpoint, CONFIG_DATA_DIR when the directory
 * is not empty or cannot be written, LEDGER_CORRUPT when the checkpoint is not one of this log.
 */
export async function exportLog(directory: string, log: string, options: ExportOptions): Promise<LogReport> {
  await assertEmpty(directory);
  const partial = `${directory.replace(/\/+$/, '')}.partial-${randomBytes(4).toString('hex')}`;
  try {
    await copyLog(new LogFolder(log), partial, options.rootVkey);
    const report = await verifyLog(new LogFolder(partial), options);
    // If the process dies before this line, only a `.partial-` directory is left, which nobody takes for an export.
    await rename(partial, directory);
    await syncDirectory(dirname(directory));
    return report;
  } catch (thrown) {
    await rm(partial, { recursive: true, force: true });
    throw isSystemError(thrown) ? cannotWrite(directory, thrown) : thrown;
  }
}

interface Head {
  readonly size: number;
  readonly note: Buffer;
  readonly bundle: Buffer;
}

/**
 * A log that grows meanwhile may replace a partial file by the full one, and its oldest entries may be removed: then the copy begins
 * again, under the newer checkpoint.
 */
async function copyLog(source: LogFolder, target: string, rootVkey: string): Promise<void> {
  let head = await newestHead(source, rootVkey);
  for (let attempt = 1; ; attempt++) {
    await mkdir(target, { recursive: true });
    const minimum = await source.read(LOG_FILES.minimum);
    const isWhole = await copyFiles(source, target, { size: head.size, minimum });
    const isSettled = isWhole || attempt === ATTEMPTS_MAX;
    const newer = isSettled ? head : await newestHead(source, rootVkey);
    const minimumNow = isSettled ? minimum : await source.read(LOG_FILES.minimum);
    if (newer.size === head.size && String(minimumNow) === String(minimum)) break;
    head = newer;
    await rm(target, { recursive: true });
  }
  await writeDurably(target, LOG_FILES.checkpoint, head.note);
  await writeDurably(target, LOG_FILES.bundle, head.bundle);
  await writeDurably(target, LOG_FILES.rootVkey, `${rootVkey}\n`);
  await writeDurably(target, LOG_FILES.readme, README_TEXT);
}

async function newestHead(source: LogFolder, rootVkey: string): Promise<Head> {
  const note = await source.read(LOG_FILES.checkpoint);
  const bundle = await source.read(LOG_FILES.bundle);
  if (note === undefined || bundle === undefined) {
    throw new Fault('CONFIG_NOT_FOUND', `\`${source.directory}\` is no log: it has no checkpoint yet`);
  }
  const { authority } = openTrust(bundle.toString('utf8'), rootVkey);
  const { size } = openCheckpoint(note.toString('utf8'), authority.ledger, authority.logKeys());
  return { size, note, bundle };
}

/** Whether every tile was there. What is missing is left out: the verification of the copy names it. */
async function copyFiles(
  source: LogFolder,
  target: string,
  { size, minimum }: { readonly size: number; readonly minimum: Buffer | undefined },
): Promise<boolean> {
  const start = parseLogStart(String(minimum)) ?? WHOLE_LOG;
  const copy = async (path: string) => {
    const bytes = await source.read(path);
    if (bytes !== undefined) await writeDurably(target, path, bytes);
    return bytes !== undefined;
  };
  let isWhole = true;
  for (const path of tileFilesOf(size, start)) isWhole = (await copy(path)) && isWhole;
  for await (const { path, bytes } of blockFilesOf(size, start, (file) => source.read(file))) {
    await writeDurably(target, path, bytes);
  }
  if (minimum !== undefined) await writeDurably(target, LOG_FILES.minimum, minimum);
  for (const name of await source.list(CHECKPOINTS_FOLDER)) {
    if (/^[0-9]+$/.test(name) && Number(name) <= size) await copy(`${CHECKPOINTS_FOLDER}/${name}`);
  }
  return isWhole;
}

async function writeDurably(directory: string, path: string, content: string | Buffer): Promise<void> {
  const whole = join(directory, path);
  await mkdir(dirname(whole), { recursive: true });
  const file = await open(whole, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function assertEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw cannotWrite(directory, error);
  });
  if (names.length > 0)
    throw new Fault('CONFIG_DATA_DIR', `the directory \`${directory}\` is not empty; an export needs a new one`);
}

function isSystemError(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && 'syscall' in thrown;
}

function cannotWrite(directory: string, cause: unknown): Fault {
  return new Fault('CONFIG_DATA_DIR', `the export cannot be written to \`${directory}\``, { cause });
}
