import { Fault } from '#writ/faults';
import { formatBlockLine, type BlockLine } from './block-line.js';
import type { Integrated, Leaf } from './integrator.js';
import { merkleRoot } from './merkle.js';
import {
  blockFilePath,
  bundlePath,
  formatBundle,
  newTiles,
  openBundle,
  parseTile,
  TILE_WIDTH,
  tilePath,
  type ReadLogFile,
} from './tile.js';

/** A file of the log directory with its whole content. */
export interface LogFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** Where the log directory stands before it grows: leaves, and lines of the block index. */
export interface LogPlace {
  readonly size: number;
  readonly messages: number;
}

/**
 * The files that a log directory of this size must get so that it holds what was integrated next: hash tiles, bundles of entries and
 * files of the block index. Partial tiles and bundles have new names; the last block file is written anew with more lines. It reads
 * the partial files of the directory as it is. Once all are durable a checkpoint may be published, and not before. Throws
 * LEDGER_CORRUPT when a file that it reads is not what this size wants, or what was integrated does not start there.
 */
export async function growLog(
  before: LogPlace,
  integrated: readonly Integrated[],
  readFile: ReadLogFile,
): Promise<LogFile[]> {
  const first = integrated[0]?.first ?? before.size;
  if (first !== before.size) throw new Fault('LEDGER_CORRUPT', `the log has ${before.size} leaves, not ${first}`);
  const leaves = integrated.flatMap((each) => each.leaves);
  const lines = integrated.map((each) => each.line);
  return [
    ...(await growTiles(before.size, leaves, readFile)),
    ...(await growBundles(before.size, leaves, readFile)),
    ...(await growBlocks(before.messages, lines, readFile)),
  ];
}

/** What changes at level 0 is the new leaves; at each level above, the roots of the tiles that became full below. */
async function growTiles(from: number, leaves: readonly Leaf[], readFile: ReadLogFile): Promise<LogFile[]> {
  const files: LogFile[] = [];
  let [level, before, added] = [0, from, leaves.map(({ hash }) => hash)];
  const tiles = newTiles(from, from + leaves.length);
  for (; added.length > 0; level++) {
    const kept = await hashesBefore(level, before, readFile);
    const hashes = [...kept, ...added];
    const full: Buffer[] = [];
    for (const tile of tiles.filter((each) => each.level === level)) {
      const start = tile.index * TILE_WIDTH - (before - kept.length);
      const own = hashes.slice(start, start + tile.width);
      files.push({ path: tilePath(tile), bytes: Buffer.concat(own) });
      if (tile.width === TILE_WIDTH) full.push(merkleRoot(own));
    }
    [before, added] = [Math.floor(before / TILE_WIDTH), full];
  }
  return files;
}

/** The hashes in the partial tile at the right edge of a level that has `count` hashes. */
async function hashesBefore(level: number, count: number, readFile: ReadLogFile): Promise<Buffer[]> {
  const width = count % TILE_WIDTH;
  if (width === 0) return [];
  const path = tilePath({ level, index: Math.floor(count / TILE_WIDTH), width });
  const hashes = parseTile(await readFile(path), width);
  if (hashes === undefined) throw new Fault('LEDGER_CORRUPT', `the tile \`${path}\` has not ${width} hashes`);
  return hashes;
}

async function growBundles(from: number, leaves: readonly Leaf[], readFile: ReadLogFile): Promise<LogFile[]> {
  const kept = from % TILE_WIDTH;
  const start = from - kept;
  const files: LogFile[] = [];
  for (const { index, width } of newTiles(from, from + leaves.length).filter(({ level }) => level === 0)) {
    const begin = Math.max(from, index * TILE_WIDTH);
    const texts = leaves.slice(begin - from, index * TILE_WIDTH + width - from).map(({ text }) => text);
    const isFirst = index * TILE_WIDTH === start && kept > 0;
    const head = isFirst ? await bundleBefore(from, readFile) : Buffer.alloc(0);
    files.push({ path: bundlePath(index, width), bytes: Buffer.concat([head, formatBundle(texts)]) });
  }
  return files;
}

/** The partial bundle at the end of a log. It is copied into the next one, so it is compared with its hashes before. */
async function bundleBefore(size: number, readFile: ReadLogFile): Promise<Buffer> {
  const [index, width] = [Math.floor(size / TILE_WIDTH), size % TILE_WIDTH];
  const path = bundlePath(index, width);
  const bundle = await readFile(path);
  const hashes = await hashesBefore(0, size, readFile);
  const found = openBundle(Buffer.from(bundle), width)?.hashes;
  if (found === undefined || !found.every((hash, at) => hashes[at]?.equals(hash)))
    throw new Fault('LEDGER_CORRUPT', `the entries in \`${path}\` are not those of its tile`);
  return bundle;
}

async function growBlocks(from: number, lines: readonly BlockLine[], readFile: ReadLogFile): Promise<LogFile[]> {
  const kept = from % TILE_WIDTH;
  const files: LogFile[] = [];
  for (let at = from - kept; at < from + lines.length && lines.length > 0; at += TILE_WIDTH) {
    const path = blockFilePath(at / TILE_WIDTH);
    const own = lines.slice(Math.max(0, at - from), at + TILE_WIDTH - from);
    const head = at < from ? firstLines(await readFile(path), kept, path) : Buffer.alloc(0);
    files.push({
      path,
      bytes: Buffer.concat([head, Buffer.from(own.map((line) => `${formatBlockLine(line)}\n`).join(''))]),
    });
  }
  return files;
}

/** The first lines of a block file. There may be more: a process that died had written them, and had no checkpoint over them yet. */
function firstLines(file: Buffer, count: number, path: string): Buffer {
  let end = 0;
  for (let line = 0; line < count; line++) {
    end = file.indexOf(0x0a, end) + 1;
    if (end === 0) throw new Fault('LEDGER_CORRUPT', `the file \`${path}\` has fewer than ${count} lines`);
  }
  return file.subarray(0, end);
}
