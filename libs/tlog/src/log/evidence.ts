import { messageOf } from '#writ/faults';
import { Authority, openTrustBundle, witnessesOf, type WitnessPolicy } from '#writ/signing';
import type { ProblemList } from '../report.js';

/** Names of the files of a log directory that are not tiles, checkpoints of earlier sizes or parts of the block index. */
export const LOG_FILES = {
  checkpoint: 'checkpoint',
  bundle: 'bundle',
  rootVkey: 'root.vkey',
  readme: 'README.txt',
  /** Where a log begins from which the oldest entries were removed. */
  minimum: 'minimum',
} as const;
export const CHECKPOINTS_FOLDER = 'checkpoints';

/** Reads an attacker-controlled log directory. */
export interface LogDirectory {
  /** The content of a file; undefined when it is not there. Rejects when it cannot be read, or is larger than any such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** Names of what stands in a folder; none when it is not there. */
  list(folder: string): Promise<readonly string[]>;
  /** Paths of all files, in any order. */
  paths(): AsyncIterable<string>;
}

/** Files of a log directory as evidence: what cannot be read is a problem. */
export class Evidence {
  constructor(
    private readonly directory: LogDirectory,
    readonly problems: ProblemList,
  ) {}

  /** The content of a file; undefined when it is not there or cannot be read, and the latter is a problem. */
  async find(file: string): Promise<Buffer | undefined> {
    try {
      return await this.directory.read(file);
    } catch (thrown) {
      this.problems.add('bad_file', `the file \`${file}\` cannot be read: ${messageOf(thrown)}`, { file });
      return undefined;
    }
  }

  /** The content of a file that must be there; undefined when it is not, which is a problem. */
  async read(file: string): Promise<Buffer | undefined> {
    const before = this.problems.count;
    const content = await this.find(file);
    if (content === undefined && this.problems.count === before)
      this.problems.add('bad_file', `the file \`${file}\` is missing`, { file });
    return content;
  }

  async list(folder: string): Promise<readonly string[]> {
    return this.directory.list(folder).catch((thrown: unknown) => {
      this.problems.add('bad_file', `the folder \`${folder}\` cannot be read: ${messageOf(thrown)}`, { file: folder });
      return [];
    });
  }

  async *paths(): AsyncIterable<string> {
    try {
      yield* this.directory.paths();
    } catch (thrown) {
      this.problems.add('bad_file', `the directory cannot be read: ${messageOf(thrown)}`);
    }
  }
}

/** Whom a log is checked against. */
export interface Trust {
  readonly authority: Authority;
  readonly witnesses: WitnessPolicy;
}

/** The trust bundle of the directory under the root key that the caller pinned, or under the one that lies beside it. */
export async function readTrust(evidence: Evidence, pinned: string | undefined): Promise<Trust | undefined> {
  const { problems } = evidence;
  const found = (await evidence.read(LOG_FILES.rootVkey))?.toString('utf8');
  const bundle = await evidence.read(LOG_FILES.bundle);
  const expected = (pinned ?? found ?? '').trim();
  if (found !== undefined && found !== `${expected}\n`) {
    const message = 'the root key in the directory is not the one that you gave, or is damaged';
    problems.add('bad_file', message, { file: LOG_FILES.rootVkey });
  }
  if (pinned === undefined && found !== undefined) {
    const message = 'the root key was taken from the directory itself; compare it with the one you were given';
    problems.add('root_key_unpinned', message, { file: LOG_FILES.rootVkey });
  }
  const rootVkey = pinned ?? found;
  if (rootVkey === undefined || bundle === undefined) return undefined;
  try {
    return openTrust(bundle.toString('utf8'), rootVkey);
  } catch (thrown) {
    problems.add('bad_file', messageOf(thrown), { file: LOG_FILES.bundle });
    return undefined;
  }
}

/** Opens a trust bundle that the root key must have signed. Throws CONFIG_KEY. */
export function openTrust(bundleNote: string, rootVkey: string): Trust {
  const bundle = openTrustBundle(bundleNote, rootVkey);
  return { authority: new Authority(bundle), witnesses: witnessesOf(bundle) };
}
