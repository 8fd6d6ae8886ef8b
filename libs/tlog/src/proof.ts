import { nodeHash } from './hash.js';
import { merkleRoot } from './merkle.js';

/** Inclusion proof (RFC 6962 §2.1.1) of leaf `index` in the tree over `leaves`. */
export function inclusionProof(leaves: readonly Buffer[], index: number): Buffer[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length)
    throw new RangeError('the index is not in the tree');
  if (leaves.length === 1) return [];
  const split = largestPowerBelow(leaves.length);
  const left = leaves.slice(0, split);
  const right = leaves.slice(split);
  return index < split
    ? [...inclusionProof(left, index), merkleRoot(right)]
    : [...inclusionProof(right, index - split), merkleRoot(left)];
}

/** Consistency proof (RFC 6962 §2.1.2) from the first `size` leaves to all of them. */
export function consistencyProof(leaves: readonly Buffer[], size: number): Buffer[] {
  if (!Number.isInteger(size) || size < 1 || size > leaves.length)
    throw new RangeError('the size is not that of an earlier tree');
  return subproof(leaves, size, true);
}

/** `isWhole`: the first `size` leaves are the whole old tree, whose root the verifier has already. */
function subproof(leaves: readonly Buffer[], size: number, isWhole: boolean): Buffer[] {
  if (size === leaves.length) return isWhole ? [] : [merkleRoot(leaves)];
  const split = largestPowerBelow(leaves.length);
  const left = leaves.slice(0, split);
  const right = leaves.slice(split);
  return size <= split
    ? [...subproof(left, size, isWhole), merkleRoot(right)]
    : [...subproof(right, size - split, false), merkleRoot(left)];
}

/** The largest power of two that is smaller than `size`; 1 for 1. RFC 6962 splits trees there. */
export function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

export interface InclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether the attacker-controlled proof shows the leaf at `index` of the tree of `size` with that root (RFC 9162 §2.1.3.2). */
export function verifyInclusion({ leaf, index, size, root }: InclusionClaim, proof: readonly Uint8Array[]): boolean {
  if (!isSize(index) || !isSize(size) || index >= size || !proof.every(isHash) || !isHash(leaf)) return false;
  let at = BigInt(index);
  let last = BigInt(size) - 1n;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0n) return false;
    if (at % 2n === 1n || at === last) {
      hash = nodeHash(sibling, hash);
      while (at % 2n === 0n && at !== 0n) [at, last] = [at >> 1n, last >> 1n];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  return last === 0n && isSame(hash, root);
}

export interface ConsistencyClaim {
  readonly size1: number;
  readonly root1: Uint8Array;
  readonly size2: number;
  readonly root2: Uint8Array;
}

/** Whether the attacker-controlled proof shows that tree 2 has tree 1 as its beginning (RFC 9162 §2.1.4.2). */
export function verifyConsistency(
  { size1, root1, size2, root2 }: ConsistencyClaim,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(size1) || !isSize(size2) || size1 < 1 || size1 > size2 || !proof.every(isHash)) return false;
  if (size1 === size2) return proof.length === 0 && isSame(root1, root2);
  // When the old tree is complete, its root is the first node of the path, and the proof leaves it out.
  const isComplete = (BigInt(size1) & (BigInt(size1) - 1n)) === 0n;
  const [first, ...rest] = isComplete ? [root1, ...proof] : proof;
  if (first === undefined) return false;
  let at = BigInt(size1) - 1n;
  let last = BigInt(size2) - 1n;
  while (at % 2n === 1n) [at, last] = [at >> 1n, last >> 1n];
  let [old, now] = [first, first];
  for (const sibling of rest) {
    if (last === 0n) return false;
    if (at % 2n === 1n || at === last) {
      [old, now] = [nodeHash(sibling, old), nodeHash(sibling, now)];
      while (at % 2n === 0n && at !== 0n) [at, last] = [at >> 1n, last >> 1n];
    } else {
      now = nodeHash(now, sibling);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  return last === 0n && isSame(old, root1) && isSame(now, root2);
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === 32;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
