import { Fault, messageOf } from '#writ/faults';
import { syncDirectory } from '#writ/files';
import { hash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Drafts } from './drafts.js';

/** What was stored, and the number that the next one must follow. */
export interface Stored<T> {
  readonly generation: number;
  readonly value: T;
}

const FILE = /^state-([0-9]{12})\.json$/;
const MODE = 0o600;
const KEPT = 8;

/**
 * The sealer's own memory of what it signed: one file a generation, made by an exclusive link, so that of two processes which
 * both know generation 7 one alone can write generation 8. Nothing in it comes from the bus.
 */
export class StateStore<T> {
  readonly #drafts: Drafts;

  constructor(private readonly directory: string) {
    this.#drafts = new Drafts(directory);
  }

  /**
   * Makes this the one that stores; what an earlier one had begun, or still begins, gets nowhere. Load afterwards. Throws
   * CONFIG_DATA_DIR, and LEDGER_FENCED when it was that one and is no longer.
   */
  async claim(): Promise<void> {
    await this.#make();
    await this.#drafts.claim().catch((cause: unknown) => {
      if (cause instanceof Fault) throw cause;
      throw new Fault('CONFIG_DATA_DIR', `the directory \`${this.directory}\` cannot be written`, { cause });
    });
  }

  /** Throws LEDGER_FENCED when another process has claimed the directory since this one did. */
  assertOwner(): Promise<void> {
    return this.#drafts.assertOwner();
  }

  /** Leaves the directory to whoever comes next. */
  release(): Promise<void> {
    return this.#drafts.release();
  }

  /**
   * The newest generation; undefined when there never was one. Throws CONFIG_DATA_DIR_CORRUPT when it is damaged: an older
   * one would be a state in which less had been signed.
   */
  async load(): Promise<Stored<T> | undefined> {
    await this.#make();
    const generation = (await this.#generations()).at(-1);
    if (generation === undefined) return undefined;
    const file = this.#file(generation);
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${file}\` cannot be read`, { cause });
    });
    const [sum, body = '', ...rest] = text.split('\n');
    if (rest.length !== 1 || rest[0] !== '' || sum !== hash('sha256', body, 'hex')) {
      throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${file}\` is damaged: what the log signed last is not known`);
    }
    return { generation, value: JSON.parse(body) as T };
  }

  /**
   * Stores the value as the generation after `after` (0: the first), durably. Throws LEDGER_FENCED when another process has stored
   * one meanwhile, or has claimed the directory; CONFIG_DATA_DIR when the disk does not take it.
   */
  async store(value: T, after: number): Promise<Stored<T>> {
    const generation = after + 1;
    const file = this.#file(generation);
    const body = JSON.stringify(value);
    try {
      await this.#drafts.create(nameOf(generation), `${hash('sha256', body, 'hex')}\n${body}\n`, MODE);
      await syncDirectory(this.directory);
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
        throw new Fault('LEDGER_FENCED', `another sealer has stored generation ${generation}`, { cause });
      }
      throw new Fault('CONFIG_DATA_DIR', `\`${file}\` cannot be written: ${messageOf(cause)}`, { cause });
    }
    // The generation may be there because the one of that number was pruned: then somebody is ahead, and nobody ever loads this one.
    await this.assertNewest(generation);
    await rm(this.#file(generation - KEPT), { force: true });
    return { generation, value };
  }

  /** Throws LEDGER_FENCED unless the newest generation is that one (0: there is none): whoever is behind must not touch the log. */
  async assertNewest(generation: number): Promise<void> {
    const newest = (await this.#generations()).at(-1) ?? 0;
    if (newest !== generation) throw new Fault('LEDGER_FENCED', `another sealer is at generation ${newest}`);
  }

  async #generations(): Promise<number[]> {
    const names = await readdir(this.directory).catch((cause: unknown) => {
      throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${this.directory}\` cannot be read`, { cause });
    });
    return names
      .flatMap((name) => FILE.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b);
  }

  #file(generation: number): string {
    return join(this.directory, nameOf(generation));
  }

  async #make(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw new Fault('CONFIG_DATA_DIR', `the directory \`${this.directory}\` cannot be made`, { cause });
    });
  }
}

function nameOf(generation: number): string {
  return `state-${String(generation).padStart(12, '0')}.json`;
}
