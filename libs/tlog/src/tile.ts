import { HASH_BYTES, LEAF_PREFIX, sha256 } from './hash.js';

/** Hashes in a full tile, entries in a full bundle, lines in a full block file. */
export const TILE_WIDTH = 256;
/** Length of the prefix of each entry in a bundle. */
const LENGTH_BYTES = 2;

/** A tile of the tree: hash `i` of it is the root over the leaves `[(index * 256 + i) * 256^level, … + 256^level)`. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  /** How many hashes it has; 256 when it is full. */
  readonly width: number;
}

/** Reads a stored file of the log by its path. Rejects when it is not there; what it gives is not trusted. */
export type ReadLogFile = (path: string) => Promise<Buffer>;

/** Path of a hash tile as C2SP tlog-tiles names it, for example `tile/0/x001/234.p/5`. */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${numberPath(index)}${partial(width)}`;
}

/** Path of the bundle with the entries of the level 0 tile of that index and width. */
export function bundlePath(index: number, width: number): string {
  return `tile/entries/${numberPath(index)}${partial(width)}`;
}

/** Path of the file of the block index that holds the lines `[256 * index, 256 * index + 256)`. */
export function blockFilePath(index: number): string {
  return `blocks/${numberPath(index)}.jsonl`;
}

/** The tiles of a tree of `to` leaves that the tree of `from` leaves does not have, lowest level first. */
export function newTiles(from: number, to: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0, span = 1; span <= to; level++, span *= TILE_WIDTH) {
    const [before, after] = [Math.floor(from / span), Math.floor(to / span)];
    if (after === before) continue;
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < after; index++) {
      tiles.push({ level, index, width: Math.min(TILE_WIDTH, after - index * TILE_WIDTH) });
    }
  }
  return tiles;
}

/** The tile that holds hash `at` of `level` in a tree of `size` leaves. It must have that hash. */
export function tileOf(size: number, level: number, at: number): Tile {
  const index = Math.floor(at / TILE_WIDTH);
  const count = Math.floor(size / TILE_WIDTH ** level);
  return { level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
}

/** The bundle of these entries: each with its length in 16 bits, big-endian, before it. The texts have at most 65,535 bytes. */
export function formatBundle(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt16BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** The entries of a bundle, as views of it, and their leaf hashes. */
export interface BundleLeaves {
  readonly entries: readonly Buffer[];
  readonly hashes: readonly Buffer[];
}

/**
 * The leaves in an attacker-controlled bundle; undefined unless it is exactly `count` entries. It overwrites the lengths in the
 * bundle: the byte before an entry becomes the prefix of its leaf hash, which saves a copy of everything.
 */
export function openBundle(bundle: Buffer, count: number): BundleLeaves | undefined {
  const entries: Buffer[] = [];
  const hashes: Buffer[] = [];
  let at = 0;
  while (at + LENGTH_BYTES <= bundle.length && entries.length < count) {
    const start = at + LENGTH_BYTES;
    const end = start + bundle.readUInt16BE(at);
    if (end > bundle.length) return undefined;
    bundle[start - 1] = LEAF_PREFIX;
    entries.push(bundle.subarray(start, end));
    hashes.push(sha256(bundle.subarray(start - 1, end)));
    at = end;
  }
  return at === bundle.length && entries.length === count ? { entries, hashes } : undefined;
}

/** The hashes in an attacker-controlled tile, as views of it; undefined unless it is exactly `width` of them. */
export function parseTile(tile: Buffer, width: number): Buffer[] | undefined {
  if (tile.length !== width * HASH_BYTES) return undefined;
  return Array.from({ length: width }, (_, i) => tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/** The beginning of a full tile or bundle that the partial file with that path had, as far as it goes. */
export function cutPartial(path: string, whole: Buffer, width: number): Buffer {
  if (!path.startsWith('tile/entries/')) return whole.subarray(0, width * HASH_BYTES);
  let end = 0;
  for (let entry = 0; entry < width && end + LENGTH_BYTES <= whole.length; entry++)
    end += LENGTH_BYTES + whole.readUInt16BE(end);
  return whole.subarray(0, end);
}

/** Numbers stand as groups of three digits, all but the last with an `x` before them, so that no folder has over 1,001 names. */
function numberPath(number: number): string {
  const digits = String(number);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  return padded.replace(/\d{3}(?=\d)/g, 'x$&/');
}

function partial(width: number): string {
  return width === TILE_WIDTH ? '' : `.p/${width}`;
}
