import { Fault, messageOf } from '#writ/faults';
import { readFileIfPresent, writeFileAtomic } from '#writ/files';
import { decodeBase64url } from '#writ/signing';
import type { TreeHead } from '#writ/tlog';
import { copyFile, open, stat } from 'node:fs/promises';

const HEADER = 'writ-witness-journal/v1\n';
const ROOT_BYTES = 32;
/** At so many bytes a journal is put aside and the next one begun with its last line; two are kept. */
const JOURNAL_BYTES_MAX = 16_777_216;

/** A head that was cosigned, and when for the first time, in seconds since 1970. */
export interface JournalLine extends TreeHead {
  readonly time: number;
}

/** Begins the journal of a log that was never cosigned. */
export async function beginJournal(file: string): Promise<void> {
  await writeFileAtomic(file, HEADER);
}

/**
 * The last line of a journal; undefined when nothing was cosigned yet. A last line without its end is that of an append which
 * was cut short: it never counted, and is cut off. Throws CONFIG_DATA_DIR_CORRUPT when the journal is missing or damaged.
 */
export async function readJournal(file: string): Promise<JournalLine | undefined> {
  const text = await readFileIfPresent(file);
  if (text === undefined || !text.startsWith(HEADER)) throw corrupt(`\`${file}\` is missing or has no beginning`);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) await writeFileAtomic(file, whole);
  let last: JournalLine | undefined;
  for (const [at, line] of whole.slice(HEADER.length).split('\n').slice(0, -1).entries()) {
    const read = parseLine(line);
    if (read === undefined || (last !== undefined && read.size <= last.size))
      throw corrupt(`line ${at + 2} of \`${file}\` is damaged`);
    last = read;
  }
  return last;
}

/** Appends a line and waits until it is on the disk. Throws CONFIG_DATA_DIR. */
export async function appendJournal(file: string, line: JournalLine): Promise<void> {
  const text = `${line.size} ${line.root} ${line.time}\n`;
  try {
    if ((await stat(file)).size > JOURNAL_BYTES_MAX) {
      await copyFile(file, `${file}.1`);
      // If the process dies here the lines stand in both, and the journal is put aside again.
      await writeFileAtomic(file, HEADER + text);
      return;
    }
    // Not `a`: a journal that is not there any more is not begun again.
    const handle = await open(file, 'r+');
    try {
      await handle.write(text, (await handle.stat()).size);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR', `\`${file}\` cannot be written: ${messageOf(cause)}`, { cause });
  }
}

function parseLine(line: string): JournalLine | undefined {
  const [, size, root = '', time] = /^([0-9]{1,16}) ([A-Za-z0-9_-]{43}) ([1-9][0-9]{0,15})$/.exec(line) ?? [];
  if (size === undefined || decodeBase64url(root, ROOT_BYTES) === undefined) return undefined;
  return Number.isSafeInteger(Number(size)) ? { size: Number(size), root, time: Number(time) } : undefined;
}

function corrupt(why: string): Fault {
  return new Fault('CONFIG_DATA_DIR_CORRUPT', `the state of the witness is damaged: ${why}`);
}
