import { parseBlockLine } from '../block-line.js';
import { blockFilePath, TILE_WIDTH } from '../tile.js';
import type { LogDirectory } from './evidence.js';

/**
 * Leaves of a log, whose stream begins with message `begins`, up to the end of message `seq` of its stream, by its block index; undefined while the log does not reach that far.
 * The index is believed: ask it of a log of one's own alone.
 */
export async function endOfMessage(
  log: Pick<LogDirectory, 'read'>,
  seq: number,
  begins: number,
): Promise<number | undefined> {
  // The log skips no message.
  const [file, at] = [Math.floor((seq - begins) / TILE_WIDTH), (seq - begins) % TILE_WIDTH];
  const text = (await log.read(blockFilePath(file)))?.toString('utf8').split('\n')[at];
  const line = text === undefined ? undefined : parseBlockLine(text);
  return line?.seq === seq ? line.first + line.count : undefined;
}
