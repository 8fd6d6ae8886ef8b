import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '#writ/faults';
import { Authority, openTrustBundle, type SigningKey } from '#writ/signing';
import {
  LedgerVerifier,
  openBlock,
  refusalOf,
  signCheckpoint,
  type LedgerMessage,
  type TreeHead,
  type VerifyReport,
} from '#writ/tlog';
import { chunkName, EXPORT_FILES, formatHashesLine, formatMessageLine, README_TEXT } from './export-format.js';

const CHUNK_BYTES_DEFAULT = 8 * 1024 * 1024;
/** From here on the ledger has two histories or is invalid: signing a head would vouch for it. */
const EXIT_UNSIGNED = 30;

export interface ExportOptions {
  /** The trust bundle, as the note that the root key signed. */
  readonly bundle: string;
  readonly rootVkey: string;
  readonly logKey: SigningKey;
  /** The head of the last export, if one is remembered: a ledger that does not contain it is exported, but not signed. */
  readonly remembered?: TreeHead;
  /** A blocks file ends after this many bytes. */
  readonly chunkBytes?: number;
}

export interface ExportResult {
  readonly report: VerifyReport;
  /** The signed head; undefined when the ledger does not verify, and then the export has no checkpoint. */
  readonly checkpoint: string | undefined;
}

/**
 * Writes every message of the ledger stream, given in order, into a new directory with all that an offline verifier needs. The
 * directory appears whole or not at all. Throws CONFIG_DATA_DIR when it is not empty or cannot be written, CONFIG_KEY when the
 * bundle or the log key is not that of the ledger.
 */
export async function writeExport(
  directory: string,
  messages: AsyncIterable<LedgerMessage>,
  options: ExportOptions,
): Promise<ExportResult> {
  const bundle = openTrustBundle(options.bundle, options.rootVkey);
  if (options.logKey.name !== bundle.ledger) {
    throw new Fault('CONFIG_KEY', `the log key is for \`${options.logKey.name}\`, not for \`${bundle.ledger}\``);
  }
  await assertEmpty(directory);
  const partial = `${directory.replace(/\/+$/, '')}.partial-${randomBytes(4).toString('hex')}`;
  try {
    await makeDirectories(partial);
    const report = await writeMessages(partial, messages, new Authority(bundle), options);
    const head = { origin: bundle.ledger, size: report.size, root: report.root };
    const checkpoint = report.exit >= EXIT_UNSIGNED ? undefined : signCheckpoint(head, options.logKey);
    if (checkpoint !== undefined) await writeDurably(join(partial, EXPORT_FILES.checkpoint), checkpoint);
    await writeDurably(join(partial, EXPORT_FILES.bundle), options.bundle);
    await writeDurably(join(partial, EXPORT_FILES.rootVkey), `${options.rootVkey.trim()}\n`);
    await writeDurably(join(partial, EXPORT_FILES.readme), README_TEXT);
    // If the process dies before this line, only a `.partial-` directory is left, which nobody takes for an export.
    await rename(partial, directory);
    await syncDirectory(dirname(directory));
    return { report, checkpoint };
  } catch (thrown) {
    await rm(partial, { recursive: true, force: true });
    throw isSystemError(thrown) ? cannotWrite(directory, thrown) : thrown;
  }
}

async function writeMessages(
  directory: string,
  messages: AsyncIterable<LedgerMessage>,
  authority: Authority,
  { remembered, chunkBytes }: ExportOptions,
): Promise<VerifyReport> {
  const verifier = new LedgerVerifier({ authority, isEndKnown: true, remembered });
  const chunks = new ChunkWriter(directory, chunkBytes);
  for await (const message of messages) {
    verifier.accept(message);
    await chunks.write(formatMessageLine(message), formatHashesLine(message.seq, leafHashesOf(message)));
  }
  await chunks.finish();
  return verifier.finish();
}

/** Blocks files and the hashes files beside them, cut at the same messages. */
class ChunkWriter {
  #pending: readonly [Buffer[], Buffer[]] = [[], []];
  #pendingBytes = 0;
  #number = 0;

  constructor(
    private readonly directory: string,
    private readonly chunkBytes = CHUNK_BYTES_DEFAULT,
  ) {}

  async write(block: Buffer, hashes: Buffer): Promise<void> {
    this.#pending[0].push(block);
    this.#pending[1].push(hashes);
    this.#pendingBytes += block.length;
    if (this.#pendingBytes >= this.chunkBytes) await this.finish();
  }

  /** Writes what waits as one chunk, durably. */
  async finish(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const name = chunkName(this.#number++);
    await writeDurably(join(this.directory, EXPORT_FILES.blocks, name), Buffer.concat(this.#pending[0]));
    await writeDurably(join(this.directory, EXPORT_FILES.hashes, name), Buffer.concat(this.#pending[1]));
    this.#pending = [[], []];
    this.#pendingBytes = 0;
  }
}

function leafHashesOf(message: LedgerMessage): readonly Buffer[] | undefined {
  try {
    return openBlock(message.data).leaves;
  } catch (thrown) {
    if (refusalOf(thrown) === undefined) throw thrown;
    return undefined;
  }
}

async function assertEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw cannotWrite(directory, error);
  });
  if (names.length > 0)
    throw new Fault('CONFIG_DATA_DIR', `the directory \`${directory}\` is not empty; an export needs a new one`);
}

async function makeDirectories(partial: string): Promise<void> {
  await mkdir(join(partial, EXPORT_FILES.blocks), { recursive: true });
  await mkdir(join(partial, EXPORT_FILES.hashes));
}

async function writeDurably(path: string, content: string | Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  await directory.sync().finally(() => directory.close());
}

function isSystemError(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && 'syscall' in thrown;
}

function cannotWrite(directory: string, cause: unknown): Fault {
  return new Fault('CONFIG_DATA_DIR', `the export cannot be written to \`${directory}\``, { cause });
}
