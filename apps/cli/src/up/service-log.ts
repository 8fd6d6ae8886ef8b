import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { printable } from '../printable.js';

const LOG_BYTES_MAX = 16 * 1024 * 1024;
const LINES_KEPT = 20;
const LINE_CHARACTERS_MAX = 600;
/** Pino writes the level first. 40 is a warning, 50 an error, 60 fatal. */
const GRAVE_LINE = /^\{"level":[456]0,/;

/**
 * Where the output of one service goes: all of it into a file, warnings and errors to whoever listens, and the last lines into
 * memory, to be shown when the service dies. The file of an earlier run is kept as `.1` once it is large.
 */
export class ServiceLog {
  readonly #file: WriteStream;
  #last: string[] = [];

  constructor(
    path: string,
    private readonly onGrave: (line: string) => void,
  ) {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
    this.#file = createWriteStream(path, { flags: 'a', mode: 0o600 });
    // A full disk must not take the supervisor down; the services deny on their own when the ledger cannot be written.
    this.#file.on('error', () => undefined);
  }

  /** Takes everything that the stream of one process gives. */
  follow(stream: Readable): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.#file.write(text);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#take(lines);
    });
    stream.on('end', () => {
      if (rest !== '') this.#take([rest]);
    });
  }

  /** The last lines of the process that ran last, shortened. */
  lastLines(): readonly string[] {
    return this.#last.map(shortLine);
  }

  /** A new process: what the one before said is no longer the reason of anything. */
  forget(): void {
    this.#last = [];
  }

  close(): void {
    this.#file.end();
  }

  #take(lines: readonly string[]): void {
    this.#last.push(...lines);
    if (this.#last.length > LINES_KEPT) this.#last.splice(0, this.#last.length - LINES_KEPT);
    for (const line of lines) if (GRAVE_LINE.test(line)) this.onGrave(shortLine(line));
  }
}

const LEVELS: Readonly<Record<number, string>> = { 40: 'warning', 50: 'error', 60: 'fatal' };

/** A log line for people: level, message, code and detail. A line that is no log line stays as it is. */
export function shortLine(line: string): string {
  const fields = readFields(line);
  if (fields === undefined) return printable(line.slice(0, LINE_CHARACTERS_MAX));
  const { level, msg, code, detail } = fields;
  const more = [code, detail].filter((part) => typeof part === 'string').join(': ');
  const text = `${LEVELS[Number(level)] ?? 'info'}: ${String(msg)}${more === '' ? '' : ` (${more})`}`;
  return printable(text.slice(0, LINE_CHARACTERS_MAX));
}

function readFields(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'msg' in value
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
