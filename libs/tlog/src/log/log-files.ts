import { parseBlockLine } from '../block-line.js';
import { blockFilePath, bundlePath, newTiles, TILE_WIDTH, tilePath } from '../tile.js';

/** Paths of the hash tiles and entry bundles of a log of that size, the partial ones of its right edge included. */
export function* tileFilesOf(size: number): Generator<string> {
  for (const tile of newTiles(0, size)) {
    yield tilePath(tile);
    if (tile.level === 0) yield bundlePath(tile.index, tile.width);
  }
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
  read: (path: string) => Promise<Buffer | undefined>,
): AsyncGenerator<BlockFile> {
  for (let index = 0, end = 0; end < size; index++) {
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
