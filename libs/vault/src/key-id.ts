import { createHash } from 'node:crypto';

const ID_BYTES = 16;

/**
 * The id of a data key, from its name: what the ledger calls it when it is destroyed. The name has 96 random bits, so that nobody
 * who knows a subject, a day and a producer can tell from an id that it was theirs.
 */
export function dataKeyId(name: string): string {
  return createHash('sha256').update(`writ-data-key/v1\n${name}`).digest().toString('base64url', 0, ID_BYTES);
}
