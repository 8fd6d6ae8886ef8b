import { Fault, messageOf } from '#writ/faults';
import { makePrivateDirectory, readFileIfPresent, syncDirectory, writeFileAtomic } from '#writ/files';
import { openNote, type WitnessKey } from '#writ/signing';
import { EMPTY_ROOT, parseCheckpoint, type TreeHead } from '#writ/tlog';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { appendJournal, beginJournal, readJournal } from './journal.js';

/** So many proofs that a log has two histories are kept; one would do. */
const FORKS_MAX = 16;

/** The checkpoint that was cosigned last, as it is on the disk. */
export interface LastCosigned extends TreeHead {
  /** With the signatures of the log and of this witness. Undefined: nothing was cosigned yet. */
  readonly note: string | undefined;
  /** Of the cosignature, in seconds since 1970; 0 when there is none. */
  readonly time: number;
}

interface LogFiles {
  readonly checkpoint: string;
  readonly journal: string;
}

const NOTHING: LastCosigned = { size: 0, root: EMPTY_ROOT.toString('base64url'), note: undefined, time: 0 };

/** Makes the state of a log that this witness has never seen. What a first start that died left behind is no state yet. */
export async function createLogState(directory: string, origin: string): Promise<void> {
  const files = filesIn(directory);
  if (existsSync(files.checkpoint) || (existsSync(files.journal) && (await readJournal(files.journal)) !== undefined)) {
    const why = `\`${directory}\` has state of \`${origin}\`, and the witness does not know of it`;
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `the state of the witness is damaged: ${why}`);
  }
  await makePrivateDirectory(directory);
  await beginJournal(files.journal);
  await syncDirectory(dirname(directory));
}

/**
 * What one log's checkpoints were cosigned up to, on the disk: `checkpoint` is the last one with its signatures, `journal` has a
 * line for each size. The checkpoint is written first, so that it is never older than the journal unless somebody put an old
 * one back.
 */
export class LogState {
  #last: LastCosigned;

  private constructor(
    private readonly directory: string,
    private readonly origin: string,
    private readonly witness: WitnessKey,
    last: LastCosigned,
  ) {
    this.#last = last;
  }

  /** Reads the state. Throws CONFIG_DATA_DIR_CORRUPT when it is missing, damaged or older than its journal. */
  static async open(directory: string, origin: string, witness: WitnessKey): Promise<LogState> {
    const last = await readLast(filesIn(directory), origin, witness);
    return new LogState(directory, origin, witness, last);
  }

  get last(): LastCosigned {
    return this.#last;
  }

  /**
   * Replaces the last checkpoint by one that this witness has cosigned, and waits until it is on the disk. Throws
   * CONFIG_DATA_DIR, and CONFIG_DATA_DIR_CORRUPT when what is on the disk is not what is to be replaced; then nothing may be
   * answered until `reload` has read what is there.
   */
  async replace(next: LastCosigned): Promise<void> {
    const files = filesIn(this.directory);
    // Compare and set: the lock keeps other witnesses away, but not somebody who restores files under a running one.
    if ((await readFileIfPresent(files.checkpoint)) !== this.#last.note)
      throw corrupt(`\`${files.checkpoint}\` was changed by somebody else`);
    await writeFileAtomic(files.checkpoint, next.note ?? '');
    // If the process dies here the cosignature was given to nobody, and the next start adds the line to the journal.
    if (this.#last.note === undefined || next.size > this.#last.size) await appendJournal(files.journal, next);
    // If the process dies here the log asks again, and gets its cosignature for the size that it now hears.
    this.#last = next;
  }

  /** Reads again what is on the disk, as a start does: after a write that failed nobody knows which half of it is there. */
  async reload(): Promise<void> {
    this.#last = await readLast(filesIn(this.directory), this.origin, this.witness);
  }

  /** Keeps a checkpoint that proves the log to have two histories. Of no more than 16, and never twice. Throws CONFIG_DATA_DIR. */
  async keepFork(head: TreeHead, note: string): Promise<void> {
    const name = `fork-${head.size}-${Buffer.from(head.root, 'base64url').toString('hex').slice(0, 16)}`;
    const kept = (await readdir(this.directory)).filter((each) => each.startsWith('fork-'));
    if (kept.includes(name) || kept.length >= FORKS_MAX) return;
    await writeFileAtomic(join(this.directory, name), note);
  }
}

function filesIn(directory: string): LogFiles {
  return { checkpoint: join(directory, 'checkpoint'), journal: join(directory, 'journal') };
}

async function readLast(files: LogFiles, origin: string, witness: WitnessKey): Promise<LastCosigned> {
  const journal = await readJournal(files.journal);
  const note = await readFileIfPresent(files.checkpoint);
  if (note === undefined) {
    if (journal === undefined) return NOTHING;
    throw corrupt(`\`${files.checkpoint}\` is missing, and its journal ends at size ${journal.size}`);
  }
  const last = parseLast(note, files.checkpoint, { origin, witness });
  if (journal !== undefined && last.size < journal.size)
    throw corrupt(
      `\`${files.checkpoint}\` has size ${last.size}, and its journal ends at ${journal.size}: it is an old one`,
    );
  if (journal?.size === last.size && journal.root !== last.root)
    throw corrupt(`\`${files.checkpoint}\` and its journal have two roots for size ${last.size}`);
  if (journal?.size !== last.size) await appendJournal(files.journal, last);
  return last;
}

/** The witness's own cosignature vouches for the file; a key of the log may have been taken out of the configuration since. */
function parseLast(
  note: string,
  file: string,
  { origin, witness }: { origin: string; witness: WitnessKey },
): LastCosigned {
  try {
    const { text, signatures } = openNote(note, [witness]);
    const checkpoint = parseCheckpoint(text);
    if (checkpoint.origin !== origin) throw corrupt(`it is of the log \`${checkpoint.origin}\``);
    const time = Math.max(...signatures.map((each) => each.time ?? 0));
    return { size: checkpoint.size, root: checkpoint.root, note, time };
  } catch (cause) {
    throw corrupt(`\`${file}\` is none that this witness cosigned: ${messageOf(cause)}`, cause);
  }
}

function corrupt(why: string, cause?: unknown): Fault {
  return new Fault('CONFIG_DATA_DIR_CORRUPT', `the state of the witness is damaged: ${why}`, { cause });
}
