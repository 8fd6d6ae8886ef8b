import { Fault, messageOf } from '#writ/faults';
import { syncDirectory } from '#writ/files';
import { growLog, type Integrated, type LogPlace, logStartOf, readLeaves, TileTree } from '#writ/tlog';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Drafts } from './drafts.js';
import type { LogStore } from './ports.js';

/** Files of the log may be shown to anybody who may see the ledger: they hold commitments, never values. */
const MODE = 0o644;
const FULL_BUNDLE = /^tile\/(?:entries|[0-9]+)\/[x0-9/]+$/;

/**
 * The log as a directory of static files in the layout of C2SP tlog-tiles. A file is written aside, synced and renamed, so that
 * nobody ever reads a part of one. Whoever claimed the directory last writes in it, and nobody else: every method that writes throws
 * LEDGER_FENCED for the others.
 */
export class LogDirectory implements LogStore {
  /** Full tiles whose partial ones can go once a checkpoint over them is published. */
  #full: string[] = [];
  readonly #drafts: Drafts;

  constructor(private readonly directory: string) {
    this.#drafts = new Drafts(directory);
  }

  /**
   * Makes this the one that writes the log; what an earlier one had begun, or still begins, gets nowhere. Call it before anything is
   * written, and read the log afterwards. Throws LEDGER_LOG_UNWRITABLE, and LEDGER_FENCED when it was that one and is no longer.
   */
  async claim(): Promise<void> {
    await this.#writing(() => this.#drafts.claim());
  }

  /** Leaves the log to whoever comes next. */
  release(): Promise<void> {
    return this.#drafts.release();
  }

  async write(before: LogPlace, messages: readonly Integrated[]): Promise<void> {
    await this.#writing(async () => {
      const files = await growLog(before, messages, (path) => this.read(path));
      for (const { path, bytes } of files) await this.#put(path, bytes);
      const folders = new Set(files.map(({ path }) => dirname(join(this.directory, path))));
      for (const folder of folders) await syncDirectory(folder);
      this.#full = files.map(({ path }) => path).filter((path) => FULL_BUNDLE.test(path));
    });
  }

  async publish(note: string, size: number): Promise<void> {
    await this.#writing(async () => {
      const bytes = Buffer.from(note);
      // The newest head comes first: whoever finds it older than one of the earlier ones says that the log went back.
      await this.#put('checkpoint', bytes);
      await syncDirectory(this.directory);
      await this.#keep(bytes, size);
      // If the process dies here partial tiles stay beside the full ones, which does no harm.
      for (const path of this.#full.splice(0))
        await rm(join(this.directory, `${path}.p`), { recursive: true, force: true });
    });
  }

  async keep(note: string, size: number): Promise<void> {
    await this.#writing(() => this.#keep(Buffer.from(note), size));
  }

  async #keep(bytes: Uint8Array, size: number): Promise<void> {
    await this.#put(`checkpoints/${size}`, bytes);
    await syncDirectory(join(this.directory, 'checkpoints'));
  }

  /** Puts a file of the deployment beside the log, so that whoever has the log has what it takes to check it. */
  async put(name: 'bundle' | 'root.vkey', bytes: Uint8Array): Promise<void> {
    await this.#writing(() => this.#put(name, bytes));
  }

  async rootAt(size: number, treeSize = size): Promise<string | undefined> {
    try {
      return (await new TileTree(treeSize, (path) => this.read(path)).rootOf(size)).toString('base64url');
    } catch (error) {
      const isDamaged = error instanceof Fault && error.code === 'LEDGER_CORRUPT';
      if (isDamaged || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Consistency proof from an older size, at least 1, to `size`. Rejects when the tiles do not hold it. */
  proof(oldSize: number, size: number): Promise<readonly Buffer[]> {
    return new TileTree(size, (path) => this.read(path)).consistencyProof(oldSize);
  }

  /** The first leaf whose entry is in the log: those before it were removed. */
  async begins(): Promise<number> {
    return (await logStartOf({ read: (path) => this.#readIfPresent(path) })).leaf;
  }

  /** Exact texts of the leaves `[from, to)` of a log of `size` leaves. */
  leaves(from: number, to: number, size: number): Promise<readonly string[]> {
    return readLeaves({ from, to, size }, (path) => this.read(path));
  }

  async checkpoint(): Promise<string | undefined> {
    return (await this.#readIfPresent('checkpoint'))?.toString('utf8');
  }

  read(path: string): Promise<Buffer> {
    return readFile(join(this.directory, path));
  }

  async #readIfPresent(path: string): Promise<Buffer | undefined> {
    return this.read(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
  }

  #put(path: string, bytes: Uint8Array): Promise<void> {
    return this.#drafts.replace(path, bytes, MODE);
  }

  async #writing(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      throw new Fault(
        'LEDGER_LOG_UNWRITABLE',
        `the log in \`${this.directory}\` cannot be written: ${messageOf(cause)}`,
        {
          cause,
        },
      );
    }
  }
}
