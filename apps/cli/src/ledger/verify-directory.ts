import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#writ/faults';
import { Authority, openTrustBundle } from '#writ/signing';
import {
  LedgerVerifier,
  openCheckpoint,
  ProblemList,
  type LedgerMessage,
  type TreeHead,
  type VerifyReport,
} from '#writ/tlog';
import { chunkName, EXPORT_FILES, linesOf, parseHashesLine, parseMessageLine } from './export-format.js';

const SMALL_FILE_BYTES_MAX = 8 * 1024 * 1024;
const CHUNK_FILE_BYTES_MAX = 64 * 1024 * 1024;
const CHUNK_NAME = /^[0-9]{8}\.txt$/;

export interface VerifyExportOptions {
  /** The root key as the caller knows it. Absent: the one in the export is used, and the report says so. */
  readonly rootVkey?: string | undefined;
  /** A head that the caller remembers from before. */
  readonly rememberedHead?: TreeHead | undefined;
}

/**
 * Verifies an attacker-controlled export offline. Whatever is missing, damaged or forged becomes a problem of the report that names
 * the file, message, block and entry as far as can be told; it throws for nothing that the directory holds.
 */
export async function verifyExport(directory: string, options: VerifyExportOptions = {}): Promise<VerifyReport> {
  const problems = new ProblemList();
  const files = new ExportFiles(directory, problems);
  const authority = await readAuthority(files, options.rootVkey, problems);
  if (authority === undefined) return emptyReport(problems);
  const head = await readHead(files, authority, problems);
  const verifier = new LedgerVerifier({ authority, head, remembered: options.rememberedHead, problems });
  for (const name of await files.chunkNames()) {
    for (const message of await readChunk(files, name, problems)) verifier.accept(message);
  }
  return verifier.finish();
}

/** Reads files of the export; one that cannot be read is a problem and undefined. */
class ExportFiles {
  constructor(
    private readonly directory: string,
    private readonly problems: ProblemList,
  ) {}

  async read(file: string, bytesMax = SMALL_FILE_BYTES_MAX): Promise<Buffer | undefined> {
    try {
      const path = join(this.directory, file);
      const { size } = await stat(path);
      if (size <= bytesMax) return await readFile(path);
      this.problems.add('bad_file', `the file \`${file}\` has ${size} bytes; the limit is ${bytesMax}`, { file });
    } catch (thrown) {
      this.problems.add('bad_file', `the file \`${file}\` cannot be read: ${messageOf(thrown)}`, { file });
    }
    return undefined;
  }

  /** The lines of a chunk file; each that cannot be parsed is a problem. */
  async readLines<T>(file: string, parseLine: (line: Buffer) => T | undefined): Promise<T[]> {
    const { lines, isWhole } = linesOf((await this.read(file, CHUNK_FILE_BYTES_MAX)) ?? Buffer.alloc(0));
    if (!isWhole) this.problems.add('bad_file', `the file \`${file}\` ends inside a line`, { file });
    return lines.flatMap((line, index) => {
      const parsed = parseLine(line);
      if (parsed !== undefined) return [parsed];
      this.problems.add('bad_file', `line ${index + 1} of \`${file}\` is malformed`, { file });
      return [];
    });
  }

  async has(file: string): Promise<boolean> {
    return stat(join(this.directory, file)).then(
      () => true,
      () => false,
    );
  }

  /** Names of the chunks from the first to the last that is there, those missing in between included. */
  async chunkNames(): Promise<string[]> {
    const blocks = await this.#list(EXPORT_FILES.blocks);
    const hashes = await this.#list(EXPORT_FILES.hashes);
    const last = Math.max(-1, ...[...blocks, ...hashes].map((name) => Number.parseInt(name, 10)));
    // A forged name must not make a million missing files of one.
    const count = Math.min(last + 1, 2 * Math.max(blocks.length, hashes.length) + 16);
    return Array.from({ length: count }, (_, number) => chunkName(number));
  }

  async #list(folder: string): Promise<string[]> {
    const names = await readdir(join(this.directory, folder)).catch((thrown: unknown) => {
      this.problems.add('bad_file', `the folder \`${folder}\` cannot be read: ${messageOf(thrown)}`, { file: folder });
      return [];
    });
    for (const name of names.filter((each) => !CHUNK_NAME.test(each))) {
      const file = `${folder}/${name}`;
      this.problems.add('bad_file', `the file \`${file}\` is not part of an export`, { file });
    }
    return names.filter((name) => CHUNK_NAME.test(name));
  }
}

async function readAuthority(
  files: ExportFiles,
  pinned: string | undefined,
  problems: ProblemList,
): Promise<Authority | undefined> {
  const found = (await files.read(EXPORT_FILES.rootVkey))?.toString('utf8');
  const bundle = await files.read(EXPORT_FILES.bundle);
  const expected = (pinned ?? found ?? '').trim();
  if (found !== undefined && found !== `${expected}\n`) {
    const message = 'the root key in the export is not the one that you gave, or is damaged';
    problems.add('bad_file', message, { file: EXPORT_FILES.rootVkey });
  }
  if (pinned === undefined && found !== undefined) {
    const message = 'the root key was taken from the export itself; compare it with the one you were given';
    problems.add('root_key_unpinned', message, { file: EXPORT_FILES.rootVkey });
  }
  const rootVkey = pinned ?? found;
  if (rootVkey === undefined || bundle === undefined) return undefined;
  try {
    return new Authority(openTrustBundle(bundle.toString('utf8'), rootVkey));
  } catch (thrown) {
    problems.add('bad_file', messageOf(thrown), { file: EXPORT_FILES.bundle });
    return undefined;
  }
}

async function readHead(
  files: ExportFiles,
  authority: Authority,
  problems: ProblemList,
): Promise<TreeHead | undefined> {
  // Without a checkpoint the verifier says that there is no head; only one that is there can be bad.
  if (!(await files.has(EXPORT_FILES.checkpoint))) return undefined;
  const note = await files.read(EXPORT_FILES.checkpoint);
  if (note === undefined) return undefined;
  try {
    return openCheckpoint(note.toString('utf8'), authority.ledger, authority.logKeys());
  } catch (thrown) {
    problems.add('bad_head', messageOf(thrown), { file: EXPORT_FILES.checkpoint });
    return undefined;
  }
}

/** The messages of one chunk, with the hashes recorded beside them. */
async function readChunk(files: ExportFiles, name: string, problems: ProblemList): Promise<LedgerMessage[]> {
  const file = `${EXPORT_FILES.blocks}/${name}`;
  const recorded = await files.readLines(`${EXPORT_FILES.hashes}/${name}`, parseHashesLine);
  const hashes = new Map(recorded.map((line) => [line.seq, line.hashes]));
  const messages: LedgerMessage[] = [];
  for (const message of await files.readLines(file, parseMessageLine)) {
    const leafHashes = hashes.get(message.seq);
    if (!hashes.delete(message.seq)) {
      problems.add('recorded_hashes', `message ${message.seq} has no recorded hashes`, { seq: message.seq, file });
    }
    messages.push({ ...message, ...(leafHashes !== undefined && { leafHashes }) });
  }
  for (const seq of hashes.keys()) {
    problems.add('recorded_hashes', `message ${seq} has recorded hashes but is not there`, { seq, file });
  }
  return messages;
}

function emptyReport(problems: ProblemList): VerifyReport {
  return {
    exit: problems.exit,
    blocks: 0,
    entries: 0,
    producers: [],
    openCalls: 0,
    size: 0,
    root: '',
    problems: problems.listed,
    problemsOmitted: problems.omitted,
  };
}
