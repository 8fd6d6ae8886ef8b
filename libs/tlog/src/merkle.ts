import { EMPTY_ROOT, nodeHash } from './hash.js';

/**
 * The right edge of an append-only RFC 6962 tree: one hash for each complete subtree, largest first. It is all that is needed
 * to append a leaf and to name the root, and it has at most 53 hashes.
 */
export class Frontier {
  readonly #subtrees: Buffer[];
  #size: number;

  /**
   * An empty tree, or the one that has this size and these complete subtrees, as `subtrees` gave them. Throws RangeError when the
   * number of subtrees is not that of the size.
   */
  constructor(size = 0, subtrees: readonly Buffer[] = []) {
    if (subtrees.length !== onesOf(size)) throw new RangeError(`a tree of ${size} leaves has other subtrees`);
    this.#size = size;
    this.#subtrees = [...subtrees];
  }

  get size(): number {
    return this.#size;
  }

  /** Hashes of the complete subtrees, largest first. */
  get subtrees(): readonly Buffer[] {
    return this.#subtrees;
  }

  /** Appends a leaf. `onSubtree` hears of each complete subtree that it completes: the binary logarithm of its leaves, and its root. */
  append(leaf: Buffer, onSubtree?: (height: number, hash: Buffer) => void): void {
    let hash = leaf;
    let height = 0;
    // Each trailing one bit of the size is a complete subtree as large as what is being added; they join.
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      const left = this.#subtrees.pop();
      if (left !== undefined) hash = nodeHash(left, hash);
      onSubtree?.(++height, hash);
    }
    this.#subtrees.push(hash);
    this.#size++;
  }

  root(): Buffer {
    return (
      this.#subtrees.reduceRight<Buffer | undefined>(
        (right, left) => (right === undefined ? left : nodeHash(left, right)),
        undefined,
      ) ?? EMPTY_ROOT
    );
  }
}

/** Merkle tree hash of leaf hashes (RFC 6962 §2.1). */
export function merkleRoot(leaves: readonly Buffer[]): Buffer {
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.append(leaf);
  return frontier.root();
}

function onesOf(size: number): number {
  let ones = 0;
  for (let rest = size; rest >= 1; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}
