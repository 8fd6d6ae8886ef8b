import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '#writ/faults';
import { filesBelow } from '#writ/files';
import type { LogDirectory } from '#writ/tlog';

/** A bundle has 256 entries of at most 65,535 bytes; no file of a log is larger. */
const FILE_BYTES_MAX = 17 * 1024 * 1024;

/** A log directory on disk, which an attacker may have written. */
export class LogFolder implements LogDirectory {
  constructor(readonly directory: string) {}

  // Not by the thread pool: a log has thousands of small files, and each way there and back costs more than reading one.
  async read(path: string): Promise<Buffer | undefined> {
    try {
      return readSmall(join(this.directory, path));
    } catch (thrown) {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    }
  }

  /** The content of a file that must be there. Throws LEDGER_CORRUPT when it is not. */
  async require(path: string): Promise<Buffer> {
    const content = await this.read(path);
    if (content === undefined) throw new Fault('LEDGER_CORRUPT', `the log has no file \`${path}\``);
    return content;
  }

  async list(folder: string): Promise<readonly string[]> {
    return readdir(join(this.directory, folder)).catch((thrown: unknown) => {
      if (isMissing(thrown)) return [];
      throw thrown;
    });
  }

  paths(): AsyncIterable<string> {
    return filesBelow(this.directory);
  }
}

function readSmall(path: string): Buffer {
  // Opening a pipe, and reading it, would wait for ever.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Fault('LEDGER_CORRUPT', 'it is no file');
    if (stats.size > FILE_BYTES_MAX)
      throw new Fault('LEDGER_CORRUPT', `it has ${stats.size} bytes; the limit is ${FILE_BYTES_MAX}`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function isMissing(thrown: unknown): boolean {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
