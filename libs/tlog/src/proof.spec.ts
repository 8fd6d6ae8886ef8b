import * as fc from 'fast-check';
import { EMPTY_ROOT, leafHash, leafHashOfText, nodeHash } from './hash.js';
import { Frontier, merkleRoot } from './merkle.js';
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from './proof.js';

/** Any Unicode scalar value. */
const scalar = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code).toWellFormed());

const leaves = Array.from({ length: 130 }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));

/** The definition of RFC 6962 §2.1, word for word. */
function rootByDefinition(hashes: readonly Buffer[]): Buffer {
  const [first] = hashes;
  if (first === undefined) return EMPTY_ROOT;
  if (hashes.length === 1) return first;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(rootByDefinition(hashes.slice(0, split)), rootByDefinition(hashes.slice(split)));
}

describe('leafHash', () => {
  it('is what RFC 6962 says for the empty leaf', () => {
    expect(leafHash(Buffer.alloc(0)).toString('hex')).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
  });

  it('hashes a text as its UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: scalar }), (text) => {
        expect(leafHashOfText(text).equals(leafHash(Buffer.from(text)))).toBe(true);
      }),
    );
  });
});

describe('Frontier', () => {
  it('has the root of RFC 6962 at every size', () => {
    const frontier = new Frontier();
    expect(frontier.root().toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    leaves.forEach((leaf, index) => {
      frontier.append(leaf);
      expect(frontier.size).toBe(index + 1);
      expect(frontier.root()).toEqual(rootByDefinition(leaves.slice(0, index + 1)));
    });
  });
});

describe('inclusionProof', () => {
  it('proves every leaf of every tree up to 33, and no other leaf, index or size', () => {
    for (let size = 1; size <= 33; size++) {
      const tree = leaves.slice(0, size);
      const root = merkleRoot(tree);
      tree.forEach((leaf, index) => {
        const proof = inclusionProof(tree, index);
        expect(verifyInclusion({ leaf, index, size, root }, proof)).toBe(true);
        expect(verifyInclusion({ leaf: leaves[129] ?? root, index, size, root }, proof)).toBe(false);
        expect(verifyInclusion({ leaf, index: index + 1, size, root }, proof)).toBe(false);
        expect(verifyInclusion({ leaf, index, size, root }, [...proof, root])).toBe(false);
      });
    }
  });

  it.each([-1, 130, 0.5, NaN])('is not made for index %d of 130', (index) => {
    expect(() => inclusionProof(leaves, index)).toThrow(RangeError);
  });
});

describe('consistencyProof', () => {
  it('proves every earlier tree to be the beginning of every later one up to 33, and no other', () => {
    for (let size2 = 1; size2 <= 33; size2++) {
      const tree = leaves.slice(0, size2);
      const root2 = merkleRoot(tree);
      for (let size1 = 1; size1 <= size2; size1++) {
        const root1 = merkleRoot(tree.slice(0, size1));
        const proof = consistencyProof(tree, size1);
        expect(verifyConsistency({ size1, root1, size2, root2 }, proof)).toBe(true);
        expect(verifyConsistency({ size1, root1: leaves[129] ?? root1, size2, root2 }, proof)).toBe(false);
        expect(verifyConsistency({ size1, root1, size2, root2: leaves[129] ?? root2 }, proof)).toBe(false);
      }
    }
  });

  it.each([0, 131, 1.5])('is not made from size %d to 130', (size) => {
    expect(() => consistencyProof(leaves, size)).toThrow(RangeError);
  });
});

describe('verifyInclusion and verifyConsistency', () => {
  it.each([-1, 1.5, NaN, 2 ** 53, 2 ** 60])('say no to the size %d', (size) => {
    const [leaf = EMPTY_ROOT] = leaves;
    expect(verifyInclusion({ leaf, index: 0, size, root: leaf }, [])).toBe(false);
    expect(verifyConsistency({ size1: size, root1: leaf, size2: size, root2: leaf }, [])).toBe(false);
  });

  it('say no to hashes of another length', () => {
    const tree = leaves.slice(0, 2);
    const root = merkleRoot(tree);
    expect(verifyInclusion({ leaf: Buffer.alloc(31), index: 0, size: 2, root }, [leaves[1] ?? root])).toBe(false);
    expect(verifyInclusion({ leaf: leaves[0] ?? root, index: 0, size: 2, root }, [Buffer.alloc(33)])).toBe(false);
  });
});
