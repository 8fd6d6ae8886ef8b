import { Fault } from '#writ/faults';
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const FOLDER = 'drafts';
const GONE = '.gone';

/**
 * The one way to write in a directory, for one owner at a time. A file is written and synced in a folder that is the owner's own, and
 * gets to its place by one rename or link. Whoever claims the directory after it removes that folder. From then on nothing of the earlier
 * owner gets anywhere, between whichever two steps it was paused, or within one: in a folder that was removed the system finds no name and
 * makes none, also for a call that had found the folder before.
 */
export class Drafts {
  #own: string | undefined;

  constructor(private readonly directory: string) {}

  /**
   * Makes this the owner; of several that claim at once one at most goes on. Read what is there afterwards, not before. Nothing happens
   * when it was the owner already. Throws LEDGER_FENCED when it was, and is no longer.
   */
  async claim(): Promise<void> {
    if (this.#own !== undefined) return this.assertOwner();
    const folder = join(this.directory, FOLDER);
    const name = randomBytes(9).toString('hex');
    await mkdir(folder, { recursive: true });
    // The own folder comes first. If two claimed and neither found the other's folder, each would have looked before the other came.
    await mkdir(join(folder, name), { mode: 0o700 });
    for (const other of await readdir(folder)) if (other !== name) await remove(join(folder, other));
    this.#own = join(folder, name);
  }

  /** Throws LEDGER_FENCED when another process has claimed the directory since this one did. */
  async assertOwner(): Promise<void> {
    if (this.#own === undefined || !(await isThere(this.#own))) throw this.#fenced();
  }

  /** Puts the file at that path of the directory, in the place of the one that may be there. Throws LEDGER_FENCED and system errors. */
  async replace(path: string, bytes: string | Uint8Array, mode: number): Promise<void> {
    const file = join(this.directory, path);
    await this.#draft(bytes, mode, async (draft) => {
      await mkdir(dirname(file), { recursive: true });
      await rename(draft, file);
    });
  }

  /** Puts the file at that path, and leaves one that is there as it is: then it rejects with EEXIST. Throws LEDGER_FENCED, too. */
  async create(path: string, bytes: string | Uint8Array, mode: number): Promise<void> {
    await this.#draft(bytes, mode, async (draft) => {
      await link(draft, join(this.directory, path));
      await rm(draft, { force: true });
    });
  }

  /** Ends the ownership. Only a new claim makes an owner again. */
  async release(): Promise<void> {
    if (this.#own !== undefined) await rm(this.#own, { recursive: true, force: true });
  }

  async #draft(bytes: string | Uint8Array, mode: number, put: (draft: string) => Promise<void>): Promise<void> {
    const own = this.#own;
    if (own === undefined) throw this.#fenced();
    const draft = join(own, `${randomBytes(6).toString('hex')}.draft`);
    try {
      const handle = await open(draft, 'wx', mode);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await put(draft);
    } catch (error) {
      await rm(draft, { force: true });
      // Where the folder is gone that is why, whatever the system says of it.
      await this.assertOwner();
      throw error;
    }
  }

  #fenced(): Fault {
    return new Fault('LEDGER_FENCED', `another sealer has taken over \`${this.directory}\``);
  }
}

/** Moved away first, so that its owner finds no way to it any more while it is emptied; what was on the way is tried again. */
async function remove(folder: string): Promise<void> {
  const gone = folder.endsWith(GONE) ? folder : `${folder}${GONE}`;
  if (gone !== folder) {
    await rename(folder, gone).catch((error: NodeJS.ErrnoException) => {
      // Somebody else moved it away, which is as good.
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await rm(gone, { recursive: true, force: true, maxRetries: 5 });
}

async function isThere(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
