import { type BlockLine, parseBlockLine } from '../block-line.js';
import { blockFilePath, TILE_WIDTH } from '../tile.js';
import type { LogDirectory } from './evidence.js';
import type { LogStart } from './log-start.js';

/** Where a log may begin after the next removal, and the message of the stream that it begins with. */
export interface LaterStart extends LogStart {
  readonly seq: number;
}

/**
 * The latest place at which the log may begin so that all stays which `mayGo` does not let go, asked of the first block of each file of
 * the block index. Undefined when there is none behind the place where it begins now. The newest file always stays.
 */
export async function laterStart(
  directory: LogDirectory,
  start: LogStart,
  mayGo: (line: BlockLine) => boolean | Promise<boolean>,
): Promise<LaterStart | undefined> {
  let found: LaterStart | undefined;
  for (let file = start.file + 1; ; file++) {
    const content = await directory.read(blockFilePath(file));
    const text = content?.toString('utf8').split('\n', TILE_WIDTH + 1)[0];
    const line = text === undefined ? undefined : parseBlockLine(text);
    // What stands before the first block of a file is older than it.
    if (line === undefined || !(await mayGo(line))) return found;
    found = { file, leaf: line.first, seq: line.seq };
  }
}
