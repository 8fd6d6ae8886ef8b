import { parseTile, tileOf, tilePath, TILE_WIDTH } from '../tile.js';
import type { Evidence } from './evidence.js';
import type { LeafReader } from './leaves.js';
import type { LogStart } from './log-start.js';

interface Growing {
  readonly size: number;
  append(hashes: readonly Buffer[]): void;
  compareFull(): Promise<void>;
}

/**
 * Grows a tree over the leaves whose entries were removed, from the hash tiles. Whether the tiles are those of the log shows in the
 * roots that were signed: `passHeads` is called at the size of each of the heads. False when hashes are missing, which is a problem.
 */
export async function growOverRemoved(
  { leaf }: LogStart,
  { tree, leaves, evidence }: { readonly tree: Growing; readonly leaves: LeafReader; readonly evidence: Evidence },
  {
    size,
    heads,
    passHeads,
  }: { readonly size: number; readonly heads: readonly number[]; readonly passHeads: () => void },
): Promise<boolean> {
  const stops = [...heads.filter((each) => each < leaf), leaf].toSorted((a, b) => a - b);
  // The bundle that the log begins in has earlier entries as well: they are hashed like all that are there.
  const bundled = leaf - (leaf % TILE_WIDTH);
  for (const stop of stops) {
    while (tree.size < stop) {
      const end = Math.min(stop, tree.size - (tree.size % TILE_WIDTH) + TILE_WIDTH);
      const hashes =
        tree.size < bundled
          ? await storedHashes(evidence, { from: tree.size, end, size })
          : (await leaves.take(end - tree.size)).hashes;
      if (hashes.length < end - tree.size) return false;
      tree.append(hashes);
      await tree.compareFull();
    }
    passHeads();
  }
  return true;
}

/** Leaf hashes `[from, end)` of one tile; fewer when they are not there. */
async function storedHashes(
  evidence: Evidence,
  { from, end, size }: { readonly from: number; readonly end: number; readonly size: number },
): Promise<readonly Buffer[]> {
  const tile = tileOf(Math.max(size, end), 0, from);
  const stored = parseTile((await evidence.read(tilePath(tile))) ?? Buffer.alloc(0), tile.width) ?? [];
  const first = tile.index * TILE_WIDTH;
  return stored.slice(from - first, end - first);
}
