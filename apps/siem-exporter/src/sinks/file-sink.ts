import type { SiemRecord } from '#writ/siem';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Delivery, Sink } from '../ports.js';

export interface FileSinkOptions {
  readonly path: string;
  readonly rotateBytes: number;
  readonly rotateMs: number;
  readonly now: () => number;
}

interface Opened {
  readonly file: FileHandle;
  bytes: number;
  readonly sinceMs: number;
}

const READ_BACK_BYTES = 65_536;
const LINE_FEED = 10;

/**
 * A file of one record a line. Acknowledged is what the disk has. A line that was half written, by a crash or a full disk, is cut off before
 * anything follows it: its record was not acknowledged and comes again. Full or old, the file is renamed to `<path>.<time>-<sequence>`.
 */
export class FileSink implements Sink {
  #opened: Opened | undefined;
  /** Sequence of the last record in the file. */
  #last = 0;

  constructor(private readonly options: FileSinkOptions) {}

  async send(records: readonly SiemRecord[]): Promise<Delivery> {
    // Before anything is written: a rename that fails must not make a batch that is on the disk come again.
    if (this.#opened !== undefined && this.#isFull(this.#opened)) await this.#rotate(this.#last);
    const opened = await this.#open();
    const bytes = Buffer.from(records.map(({ text }) => `${text}\n`).join(''));
    try {
      await writeAll(opened.file, bytes, opened.bytes);
      await opened.file.datasync();
    } catch (error) {
      // What arrived of it is cut off by the next open.
      await this.close();
      throw error;
    }
    opened.bytes += bytes.length;
    this.#last = records.at(-1)?.index ?? this.#last;
    return { status: 'acknowledged' };
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.file.close();
  }

  async #open(): Promise<Opened> {
    if (this.#opened !== undefined) return this.#opened;
    const file = await open(this.options.path, 'a+', 0o600).then(async (created) => {
      await created.close();
      return open(this.options.path, 'r+');
    });
    try {
      const { size, birthtimeMs } = await file.stat();
      const bytes = await endOfLastLine(file, size);
      if (bytes < size) await file.truncate(bytes);
      await syncDirectory(dirname(this.options.path));
      const isNew = bytes === 0 || birthtimeMs === 0;
      this.#opened = { file, bytes, sinceMs: isNew ? this.options.now() : birthtimeMs };
    } catch (error) {
      await file.close();
      throw error;
    }
    return this.#opened;
  }

  #isFull({ bytes, sinceMs }: Opened): boolean {
    const { rotateBytes, rotateMs, now } = this.options;
    return bytes >= rotateBytes || now() - sinceMs >= rotateMs;
  }

  async #rotate(sequence: number): Promise<void> {
    const { path, now } = this.options;
    await this.close();
    const time = new Date(now()).toISOString().replaceAll(/[-:.]/g, '');
    let target = `${path}.${time}-${sequence}`;
    // A heartbeat has no sequence, and a clock may stand still: nothing is ever written over.
    for (let n = 1; await exists(target); n++) target = `${path}.${time}-${sequence}-${n}`;
    await rename(path, target);
    await syncDirectory(dirname(path));
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, from: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, from + written);
    written += bytesWritten;
  }
}

/** The number of bytes up to and with the last line end. */
async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.alloc(READ_BACK_BYTES);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - READ_BACK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    const at = buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
