import { HASH_BYTES } from '../hash.js';
import { Frontier } from '../merkle.js';
import { TILE_WIDTH, tilePath, type Tile } from '../tile.js';
import type { Evidence } from './evidence.js';

// A subtree as high as this is one hash of the level above.
const TILE_HEIGHT = 8;

interface DueTile {
  readonly tile: Tile;
  readonly bytes: Buffer;
}

/** The tree over the leaves as they are, and the hash tiles that lie beside them compared with it. */
export class TileCheck {
  readonly #frontier = new Frontier();
  /** The tile that grows at each level, and how many tiles before it are full. */
  readonly #levels: { bytes: Buffer; width: number; index: number }[] = [];
  #due: DueTile[] = [];

  constructor(private readonly evidence: Evidence) {}

  get size(): number {
    return this.#frontier.size;
  }

  root(): Buffer {
    return this.#frontier.root();
  }

  append(hashes: readonly Buffer[]): void {
    for (const hash of hashes) {
      this.#put(0, hash);
      this.#frontier.append(hash, (height, subtree) => {
        if (height % TILE_HEIGHT === 0) this.#put(height / TILE_HEIGHT, subtree);
      });
    }
  }

  /** Compares the tiles that became full with their files. */
  async compareFull(): Promise<void> {
    if (this.#due.length === 0) return;
    const due = this.#due;
    this.#due = [];
    for (const each of due) await this.#compare(each);
  }

  /** Compares the partial tiles at the right edge with their files. Call it at the size of the newest head. */
  async comparePartial(): Promise<void> {
    for (const [level, { bytes, width, index }] of this.#levels.entries()) {
      const own = bytes.subarray(0, width * HASH_BYTES);
      if (width > 0) await this.#compare({ tile: { level, index, width }, bytes: own });
    }
  }

  #put(level: number, hash: Buffer): void {
    const grown = (this.#levels[level] ??= { bytes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), width: 0, index: 0 });
    hash.copy(grown.bytes, grown.width * HASH_BYTES);
    if (++grown.width < TILE_WIDTH) return;
    this.#due.push({ tile: { level, index: grown.index, width: TILE_WIDTH }, bytes: grown.bytes });
    this.#levels[level] = { bytes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), width: 0, index: grown.index + 1 };
  }

  async #compare({ tile, bytes }: DueTile): Promise<void> {
    const file = tilePath(tile);
    const stored = await this.evidence.read(file);
    if (stored === undefined || stored.equals(bytes)) return;
    const at = Array.from({ length: tile.width }, (_, i) => i * HASH_BYTES).findIndex(
      (start) => !stored.subarray(start, start + HASH_BYTES).equals(bytes.subarray(start, start + HASH_BYTES)),
    );
    const which = at < 0 ? 'its length' : `hash ${tile.index * TILE_WIDTH + at} of level ${tile.level}`;
    this.evidence.problems.add('hash_tile', `the tile \`${file}\` is not that of the entries: ${which}`, { file });
  }
}
