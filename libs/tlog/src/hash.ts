import { hash } from 'node:crypto';

/** Length of every hash of the log, in bytes. */
export const HASH_BYTES = 32;

/** Stands before the bytes of a leaf when it is hashed. */
export const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;
// One buffer for all nodes: hashing is synchronous, and an allocation for each node would cost as much as the hash.
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

/** SHA-256. Node makes a digest as a string of bytes and a Buffer of that in half the time that it takes to make a Buffer at once. */
export function sha256(bytes: Uint8Array | string): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'binary');
}

/** Hash of one leaf as RFC 6962 defines it (0x00 prefix). The input is the exact stored bytes of the entry. */
export function leafHash(bytes: Uint8Array): Buffer {
  const input = Buffer.allocUnsafe(bytes.length + 1);
  input[0] = LEAF_PREFIX;
  input.set(bytes, 1);
  return sha256(input);
}

/** The leaf hash of the UTF-8 bytes of a well-formed string; saves the copy that `leafHash` makes. */
export function leafHashOfText(text: string): Buffer {
  return sha256(`\u0000${text}`);
}

/** Hash of an inner node as RFC 6962 defines it (0x01 prefix). Both children have 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return sha256(nodeInput);
}

/** Root of the tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Buffer = sha256('');
