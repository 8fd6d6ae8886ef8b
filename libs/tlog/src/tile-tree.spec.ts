import { growLog } from './grow.js';
import { leafHash } from './hash.js';
import type { Integrated } from './integrator.js';
import { merkleRoot } from './merkle.js';
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from './proof.js';
import { TileTree } from './tile-tree.js';

/** The files of a log of so many leaves, which are in no real block. */
async function logOf(size: number): Promise<{ leaves: readonly Buffer[]; files: ReadonlyMap<string, Buffer> }> {
  const texts = Array.from({ length: size }, (_, index) => `leaf ${index}`);
  const leaves = texts.map((text) => ({ text, hash: leafHash(Buffer.from(text)) }));
  const line = { seq: 1, first: 0, count: 1, rejected: true, subject: 'x' } as const;
  const refused = { refusal: 'malformed', message: '', isAuthentic: false } as const;
  const all: Integrated = { seq: 1, first: 0, leaves, line, verdict: refused };
  const files = await growLog({ size: 0, messages: 0 }, [all], () => Promise.reject(new Error('nothing is there')));
  return { leaves: leaves.map(({ hash }) => hash), files: new Map(files.map(({ path, bytes }) => [path, bytes])) };
}

/** A tree that counts what it reads. */
function treeOf(size: number, files: ReadonlyMap<string, Buffer>) {
  const read: string[] = [];
  const tree = new TileTree(size, async (path) => {
    read.push(path);
    return files.get(path) ?? Promise.reject(new Error(`${path} is not there`));
  });
  return { tree, read };
}

const hex = (proof: readonly Buffer[]) => Buffer.concat([...proof]).toString('hex');

describe('TileTree', () => {
  it('has the root of the leaves, and none when a tile on the way is cut', async () => {
    for (const size of [1, 2, 255, 256, 257, 700]) {
      const { leaves, files } = await logOf(size);
      expect((await treeOf(size, files).tree.root()).equals(merkleRoot(leaves))).toBe(true);
      const cut = new Map([...files].map(([path, bytes]) => [path, bytes.subarray(1)]));
      await expect(treeOf(size, cut).tree.root()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    }
  });

  it('gives the inclusion proof of every leaf of every tree up to 130, as the definition does', async () => {
    const wrong: string[] = [];
    for (let size = 1; size <= 130; size++) {
      const { leaves, files } = await logOf(size);
      const { tree } = treeOf(size, files);
      for (let index = 0; index < size; index++) {
        const isSame = hex(await tree.inclusionProof(index)) === hex(inclusionProof(leaves, index));
        if (!isSame) wrong.push(`${index} of ${size}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('gives the consistency proof of every two trees up to 130, as the definition does', async () => {
    const wrong: string[] = [];
    for (let size = 1; size <= 130; size++) {
      const { leaves, files } = await logOf(size);
      const { tree } = treeOf(size, files);
      for (let earlier = 1; earlier <= size; earlier++) {
        const isSame = hex(await tree.consistencyProof(earlier)) === hex(consistencyProof(leaves, earlier));
        if (!isSame) wrong.push(`${earlier} to ${size}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each([255, 256, 257, 65_537])('proves in a log of %d leaves with few reads', async (size) => {
    const { leaves, files } = await logOf(size);
    const root2 = merkleRoot(leaves);
    for (const index of [0, 1, 255, 256, size >> 1, size - 2, size - 1].filter((each) => each < size)) {
      const { tree, read } = treeOf(size, files);
      const leaf = leaves[index] ?? root2;
      expect(verifyInclusion({ leaf, index, size, root: root2 }, await tree.inclusionProof(index))).toBe(true);
      const size1 = index + 1;
      const root1 = merkleRoot(leaves.slice(0, size1));
      expect(verifyConsistency({ size1, root1, size2: size, root2 }, await tree.consistencyProof(size1))).toBe(true);
      expect(read.length).toBeLessThanOrEqual(6);
    }
  });

  it('gives no proof of what is not in the tree, and none from a tile that is damaged', async () => {
    const { files } = await logOf(3);
    const { tree } = treeOf(3, files);
    for (const index of [-1, 3, 0.5, NaN]) await expect(tree.inclusionProof(index)).rejects.toThrow(RangeError);
    for (const size of [0, 4, 1.5]) await expect(tree.consistencyProof(size)).rejects.toThrow(RangeError);
    const { tree: damaged } = treeOf(3, new Map([['tile/0/000.p/3', Buffer.alloc(95)]]));
    await expect(damaged.inclusionProof(0)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });
});
