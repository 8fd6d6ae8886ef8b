import { parse } from '#writ/contracts';
import { writeFileAtomic } from '#writ/files';
import { Fault } from '#writ/faults';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { SinkState, StateStore } from './ports.js';

const StateFile = z.strictObject({
  v: z.literal(1),
  /** Hash of the declaration that is on record; null of a sink that was taken away. */
  declared: z.string().nullable(),
  /** The ledger in which it is on record. Files of earlier releases do not say it: there was one. */
  ledger: z.string().optional(),
  state: z
    .strictObject({ logName: z.string(), next: z.int(), xseq: z.int(), size: z.int(), root: z.string() })
    .optional(),
});
type StateFile = z.infer<typeof StateFile>;

/** The file that holds how far a sink is, and as what it is on record. */
export class SinkStateFile implements StateStore {
  private constructor(
    private readonly path: string,
    private content: StateFile,
  ) {}

  /** Reads the file; of a sink that never ran there is none. Throws CONFIG_DATA_DIR_CORRUPT. */
  static async open(path: string): Promise<SinkStateFile> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new Fault('CONFIG_DATA_DIR', `\`${path}\` cannot be read`, { cause: error });
    });
    return new SinkStateFile(path, text === undefined ? { v: 1, declared: null } : read(text, path));
  }

  get current(): SinkState | undefined {
    return this.content.state;
  }

  get declared(): string | null {
    return this.content.declared;
  }

  save(state: SinkState): Promise<void> {
    return this.#write({ ...this.content, state });
  }

  /** The ledger in which that is on record; undefined when an earlier release has written it. */
  get ledger(): string | undefined {
    return this.content.ledger;
  }

  /** Remembers that the declaration with that hash is on record in that ledger. */
  saveDeclared(declared: string | null, ledger: string): Promise<void> {
    return this.#write({ ...this.content, declared, ledger });
  }

  async #write(content: StateFile): Promise<void> {
    await writeFileAtomic(this.path, `${JSON.stringify(content)}\n`);
    this.content = content;
  }
}

function read(text: string, path: string): StateFile {
  try {
    return parse(StateFile, JSON.parse(text), 'CONFIG_DATA_DIR_CORRUPT');
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${path}\` is damaged`, { cause });
  }
}
