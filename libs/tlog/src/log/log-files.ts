import { parseBlockLine } from '../block-line.js';
import type { LogStart } from './log-start.js';
import { blockFilePath, bundlePath, newTiles, TILE_WIDTH, tilePath } from '../tile.js';

/**
 * Paths of the hash tiles and entry bundles of a log of that size, the partial ones of its right edge included, and those bundles
 * left out that end before the leaf that it begins with.
 */
export function* tileFilesOf(size: number, { leaf }: LogStart): Generator<string> {
  for (const tile of newTiles(0, size)) {
    yield tilePath(tile);
    const end = tile.index * TILE_WIDTH + tile.width;
    if (tile.level === 0 && end > leaf) yield bundlePath(tile.index, tile.width);
  }
}

/** Paths of the bundles and files of the block index that are no part of a log any more which begins there. */
export function* removedFilesOf({ leaf, file }: LogStart): Generator<string> {
  for (let index = 0; (index + 1) * TILE_WIDTH <= leaf; index++) yield bundlePath(index, TILE_WIDTH);
  for (let index = 0; index < file; index++) yield blockFilePath(index);
}

/** A part of the block index. */
export interface BlockFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * The files of the block index of a log of that size, the last one cut behind the line of its last leaf: the log may have grown
 * meanwhile. It ends early where a file is missing or has a line that is none, which a verifier then names.
 */
export async function* blockFilesOf(
  size: number,
  { file: first, leaf }: LogStart,
  read: (path: string) => Promise<Buffer | undefined>,
): AsyncGenerator<BlockFile> {
  for (let index = first, end = leaf; end < size; index++) {
    const path = blockFilePath(index);
    const file = await read(path);
    if (file === undefined) return;
    let bytes = 0;
    let lines = 0;
    for (const text of file.toString('utf8').split('\n').slice(0, TILE_WIDTH)) {
      const line = end < size ? parseBlockLine(text) : undefined;
      if (line === undefined) break;
      end = line.first + line.count;
      bytes += Buffer.byteLength(text) + 1;
      lines++;
    }
    yield { path, bytes: file.subarray(0, bytes) };
    if (lines < TILE_WIDTH) return;
  }
}
