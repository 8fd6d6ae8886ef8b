import { hash } from 'node:crypto';

/** Length of every hash of the log, in bytes. */
export const HASH_BYTES = 32;

const NODE_PREFIX = 0x01;
// One buffer for all nodes: hashing is synchronous, and an allocation for each node would cost as much as the hash.
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** Hash of one leaf as RFC 6962 defines it (0x00 prefix). The input is the exact stored bytes of the entry. */
export function leafHash(bytes: Uint8Array): Buffer {
  const input = Buffer.allocUnsafe(bytes.length + 1);
  input[0] = 0x00;
  input.set(bytes, 1);
  return hash('sha256', input, 'buffer');
}

/** The leaf hash of the UTF-8 bytes of a well-formed string; saves the copy that `leafHash` makes. */
export function leafHashOfText(text: string): Buffer {
  return hash('sha256', `\u0000${text}`, 'buffer');
}

/** Hash of an inner node as RFC 6962 defines it (0x01 prefix). Both children have 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return hash('sha256', nodeInput, 'buffer');
}

/** Root of the tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Buffer = hash('sha256', '', 'buffer');
