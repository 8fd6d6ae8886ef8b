import { parseBlockLine } from '../block-line.js';
import { parseCheckpoint } from '../checkpoint.js';
import { cutPartial } from '../tile.js';
import { CHECKPOINTS_FOLDER, LOG_FILES, type LogDirectory } from './evidence.js';

const EARLIER_HEAD = new RegExp(`^${CHECKPOINTS_FOLDER}/([0-9]{1,16})$`);
const BLOCKS = /^blocks\/.+\.jsonl$/;
const DRAFT = /\.draft$/;

/**
 * A log directory while it grows, as it was when its checkpoint was read: what came after that head is left out, and a partial file
 * that was replaced since is cut from the whole one. Nothing that the head covers is left out.
 */
export class SettledLog implements LogDirectory {
  #hasLeftOut = false;

  private constructor(
    private readonly directory: LogDirectory,
    private readonly note: Buffer,
    readonly size: number,
  ) {}

  /** Undefined when there is no checkpoint that says a size. What the checkpoint says is not checked here. */
  static async of(directory: LogDirectory): Promise<SettledLog | undefined> {
    const note = await directory.read(LOG_FILES.checkpoint).catch(() => undefined);
    const size = note === undefined ? undefined : sizeIn(note);
    return note === undefined || size === undefined ? undefined : new SettledLog(directory, note, size);
  }

  /** Whether something was there that its checkpoint does not cover. */
  get hasLeftOut(): boolean {
    return this.#hasLeftOut;
  }

  async read(path: string): Promise<Buffer | undefined> {
    if (path === LOG_FILES.checkpoint) return this.note;
    if (this.#isLater(path)) return undefined;
    const content = await this.directory.read(path);
    if (content === undefined) return this.#cutFromWhole(path);
    return BLOCKS.test(path) ? this.#linesBefore(content) : content;
  }

  async list(folder: string): Promise<readonly string[]> {
    const names = await this.directory.list(folder);
    return names.filter((name) => !this.#isLater(`${folder}/${name}`));
  }

  async *paths(): AsyncIterable<string> {
    for await (const path of this.directory.paths()) if (!this.#isLater(path)) yield path;
  }

  #isLater(path: string): boolean {
    const head = EARLIER_HEAD.exec(path)?.[1];
    const isLater = DRAFT.test(path) || (head !== undefined && Number(head) > this.size);
    if (isLater) this.#hasLeftOut = true;
    return isLater;
  }

  async #cutFromWhole(path: string): Promise<Buffer | undefined> {
    const [, whole, width] = /^(.+)\.p\/([0-9]+)$/.exec(path) ?? [];
    if (whole === undefined) return undefined;
    const content = await this.directory.read(whole);
    return content === undefined ? undefined : cutPartial(path, content, Number(width));
  }

  /** The lines of a block file that the head covers; undefined when it covers none. Lines stand in the order of their leaves. */
  #linesBefore(content: Buffer): Buffer | undefined {
    let end = content.length;
    while (end > 0) {
      const start = content.lastIndexOf(0x0a, end - 2) + 1;
      const line = parseBlockLine(content.toString('utf8', start, Math.max(start, end - 1)));
      // A line that is malformed stays for whoever checks lines.
      if (line === undefined || line.first < this.size) break;
      end = start;
    }
    if (end < content.length) this.#hasLeftOut = true;
    return end === 0 && content.length > 0 ? undefined : content.subarray(0, end);
  }
}

function sizeIn(note: Buffer): number | undefined {
  const text = note.toString('utf8');
  const end = text.indexOf('\n\n');
  try {
    return parseCheckpoint(end < 0 ? text : text.slice(0, end + 1)).size;
  } catch {
    return undefined;
  }
}
