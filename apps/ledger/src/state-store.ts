import { Fault, messageOf } from '#writ/faults';
import { hash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What was stored, and the number that the next one must follow. */
export interface Stored<T> {
  readonly generation: number;
  readonly value: T;
}

const FILE = /^state-([0-9]{12})\.json$/;
const KEPT = 8;

/**
 * The sealer's own memory of what it signed: one file a generation, made by an exclusive link, so that of two processes which
 * both know generation 7 one alone can write generation 8. Nothing in it comes from the bus.
 */
export class StateStore<T> {
  constructor(private readonly directory: string) {}

  /** Removes what a process that was killed had not finished storing. */
  async tidy(): Promise<void> {
    await this.#make();
    const drafts = (await readdir(this.directory)).filter((name) => name.startsWith('draft-'));
    for (const name of drafts) await rm(join(this.directory, name), { force: true });
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
   * one meanwhile, CONFIG_DATA_DIR when the disk does not take it.
   */
  async store(value: T, after: number): Promise<Stored<T>> {
    const generation = after + 1;
    const file = this.#file(generation);
    const body = JSON.stringify(value);
    const draft = join(this.directory, `draft-${randomBytes(6).toString('hex')}`);
    try {
      const handle = await open(draft, 'wx', 0o600);
      try {
        await handle.writeFile(`${hash('sha256', body, 'hex')}\n${body}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await link(draft, file);
      await this.#sync();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
        throw new Fault('LEDGER_FENCED', `another sealer has stored generation ${generation}`, { cause });
      }
      throw new Fault('CONFIG_DATA_DIR', `\`${file}\` cannot be written: ${messageOf(cause)}`, { cause });
    } finally {
      await rm(draft, { force: true });
    }
    // The generation may be there because ours was pruned and made again: then somebody is ahead of us.
    const newest = (await this.#generations()).at(-1);
    if (newest !== generation) {
      await rm(file, { force: true });
      throw new Fault('LEDGER_FENCED', `another sealer is at generation ${newest}`);
    }
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
    return join(this.directory, `state-${String(generation).padStart(12, '0')}.json`);
  }

  async #make(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw new Fault('CONFIG_DATA_DIR', `the directory \`${this.directory}\` cannot be made`, { cause });
    });
  }

  async #sync(): Promise<void> {
    const handle = await open(this.directory, 'r');
    await handle.sync().finally(() => handle.close());
  }
}
