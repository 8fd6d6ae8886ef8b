import { Fault } from '#writ/faults';
import { nodeHash } from './hash.js';
import { merkleRoot } from './merkle.js';
import { largestPowerBelow } from './proof.js';
import { parseTile, tileOf, tilePath, type ReadLogFile } from './tile.js';

// A tile has the hashes of subtrees of 256^level leaves.
const TILE_HEIGHT = 8;

/**
 * Proofs from the hash tiles of a log, with as many reads as the tree has tiles on the way, which is few. The tiles are not trusted
 * and not checked: whoever is given a proof verifies it. Throws LEDGER_CORRUPT when a tile has not its size, and what `readFile` throws.
 */
export class TileTree {
  readonly #tiles = new Map<string, readonly Buffer[]>();

  constructor(
    private readonly size: number,
    private readonly readFile: ReadLogFile,
  ) {}

  /** Root over all leaves, of which there is at least one. */
  root(): Promise<Buffer> {
    return this.rootOf(this.size);
  }

  /** Root over the first `size` leaves: at least one, at most all. */
  async rootOf(size: number): Promise<Buffer> {
    if (!Number.isInteger(size) || size < 1 || size > this.size)
      throw new RangeError('the size is not that of an earlier tree');
    return this.#rangeHash(0, size);
  }

  /** Inclusion proof (RFC 6962 §2.1.1) of leaf `index`. Throws RangeError when it is not in the tree. */
  async inclusionProof(index: number): Promise<Buffer[]> {
    if (!Number.isInteger(index) || index < 0 || index >= this.size)
      throw new RangeError('the index is not in the tree');
    const path: Buffer[] = [];
    for (let [low, high] = [0, this.size]; high - low > 1;) {
      const split = low + largestPowerBelow(high - low);
      path.push(index < split ? await this.#rangeHash(split, high) : await this.#rangeHash(low, split));
      [low, high] = index < split ? [low, split] : [split, high];
    }
    return path.reverse();
  }

  /** Consistency proof (RFC 6962 §2.1.2) from the first `size` leaves to all of them. Throws RangeError when there are fewer. */
  async consistencyProof(size: number): Promise<Buffer[]> {
    if (!Number.isInteger(size) || size < 1 || size > this.size)
      throw new RangeError('the size is not that of an earlier tree');
    const path: Buffer[] = [];
    let [low, high] = [0, this.size];
    while (high !== size) {
      const split = low + largestPowerBelow(high - low);
      path.push(size <= split ? await this.#rangeHash(split, high) : await this.#rangeHash(low, split));
      [low, high] = size <= split ? [low, split] : [split, high];
    }
    // When the old tree is whole, its root is what the verifier has already.
    if (low > 0) path.push(await this.#rangeHash(low, high));
    return path.reverse();
  }

  /** Root over the leaves `[low, high)`, which stand as a subtree in the tree. */
  async #rangeHash(low: number, high: number): Promise<Buffer> {
    const split = largestPowerBelow(high - low);
    if (split * 2 === high - low || high - low === 1) return this.#subtreeHash(low, high - low);
    return nodeHash(await this.#rangeHash(low, low + split), await this.#rangeHash(low + split, high));
  }

  /** Root over a complete subtree: it is one hash of a tile, or a few beside each other. */
  async #subtreeHash(low: number, leaves: number): Promise<Buffer> {
    const level = Math.floor(Math.log2(leaves) / TILE_HEIGHT);
    const span = 2 ** (TILE_HEIGHT * level);
    const [at, count] = [low / span, leaves / span];
    const tile = tileOf(this.size, level, at);
    const hashes = await this.#tile(tilePath(tile), tile.width);
    const start = at % 2 ** TILE_HEIGHT;
    return merkleRoot(hashes.slice(start, start + count));
  }

  async #tile(path: string, width: number): Promise<readonly Buffer[]> {
    const known = this.#tiles.get(path);
    if (known !== undefined) return known;
    const hashes = parseTile(await this.readFile(path), width);
    if (hashes === undefined) throw new Fault('LEDGER_CORRUPT', `the tile \`${path}\` has not ${width} hashes`);
    this.#tiles.set(path, hashes);
    return hashes;
  }
}
