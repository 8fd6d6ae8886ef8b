import { messageOf } from '#writ/faults';
import { CHECKPOINTS_FOLDER } from '#writ/tlog';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type EarlierHead, surplusHeads } from './surplus-heads.js';

const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;
const SIGNATURE_LINE = /^\u2014 \S+ (\S+)$/gm;
/** Of a cosignature: the id of its key, the time, and the Ed25519 signature. */
const KEY_ID_BYTES = 4;
const COSIGNATURE_BYTES = KEY_ID_BYTES + 8 + 64;
/** A head that was written a moment ago may get cosignatures yet, and all of the last hour stay anyway. */
const SETTLED_AFTER_MS = 3_600_000;
const THIN_EVERY_MS = 600_000;

/**
 * The earlier checkpoints of a log, which would be a few files a second for ever. What is not the newest is evidence of times alone:
 * every other thing that verification finds it finds by the newest, too.
 */
export class CheckpointFolder {
  readonly #settled = new Map<number, EarlierHead>();
  readonly #folder: string;

  constructor(
    logDirectory: string,
    /** In milliseconds since 1970: times of cosignatures are compared with it. */
    private readonly now: () => number,
  ) {
    this.#folder = join(logDirectory, CHECKPOINTS_FOLDER);
  }

  /** Removes the heads that are too many, and resolves with how many these were. Rejects when the disk does not do it. */
  async thin(): Promise<number> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const heads: EarlierHead[] = [];
    for (const name of names) if (SIZE.test(name)) heads.push(await this.#head(Number(name)));
    const surplus = surplusHeads(heads, this.now());
    for (const size of surplus) {
      // If the process dies here the rest is removed the next time.
      await rm(this.#path(size), { force: true });
      this.#settled.delete(size);
    }
    return surplus.length;
  }

  async #head(size: number): Promise<EarlierHead> {
    const known = this.#settled.get(size);
    if (known !== undefined) return known;
    const { mtimeMs } = await stat(this.#path(size));
    if (this.now() - mtimeMs < SETTLED_AFTER_MS) return { size, timeMs: mtimeMs, cosignatures: 0 };
    const times = cosignatureTimes(await readFile(this.#path(size), 'utf8'));
    const timeMs = times.length === 0 ? mtimeMs : Math.max(...times) * 1_000;
    const head = { size, timeMs, cosignatures: times.length };
    this.#settled.set(size, head);
    return head;
  }

  #path(size: number): string {
    return join(this.#folder, String(size));
  }
}

interface ThinningLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

/** Thins out the folder now and every ten minutes, until the returned function is called. What fails is logged, and tried again. */
export function thinRegularly(folder: Pick<CheckpointFolder, 'thin'>, log: ThinningLog): () => void {
  const thin = () =>
    folder.thin().then(
      (removed) => removed > 0 && log.info({ removed }, 'earlier checkpoints were thinned out'),
      (error: unknown) => log.warn({ detail: messageOf(error) }, 'earlier checkpoints could not be thinned out'),
    );
  void thin();
  const timer = setInterval(() => void thin(), THIN_EVERY_MS);
  return () => clearInterval(timer);
}

/** The times, in seconds, that cosignatures say. Whether they are good is not asked: who can write them here can remove the file. */
function cosignatureTimes(note: string): readonly number[] {
  return [...note.matchAll(SIGNATURE_LINE)].flatMap(([, encoded = '']) => {
    const bytes = Buffer.from(encoded, 'base64');
    return bytes.length === COSIGNATURE_BYTES ? [Number(bytes.readBigUInt64BE(KEY_ID_BYTES))] : [];
  });
}
