import { Fault } from '#writ/faults';
import type { Authority } from '#writ/signing';
import { openBlock, type Block } from './block.js';
import { refusalOf, refused, type Refusal } from './refusal.js';
import { expired, verifyEntry, verifyHeader, type VerifiedBlock } from './verify-block.js';

const SUBJECT_PREFIX = 'ledger.block.';

/** One message of the ledger stream. */
export interface LedgerMessage {
  readonly seq: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

/** A message that is no block that counts: why, and how far it could be read. */
export interface RefusedMessage {
  readonly refusal: Refusal;
  readonly message: string;
  /** The block, if it could be read. */
  readonly block?: Block;
  readonly isAuthentic: boolean;
  /** Index of the entry that is to blame, if one is. */
  readonly index?: number;
}

/**
 * Judges a message by itself: form, author and entries, not its place in the chain. `isRevoked` says of the id of a key whether an entry
 * before it has ended the key. Never throws for what an outsider wrote.
 */
export function judgeMessage(
  message: LedgerMessage,
  authority: Authority,
  isRevoked: (key: string) => boolean,
): VerifiedBlock | RefusedMessage {
  const seen: { block?: Block; isAuthentic: boolean; index?: number } = { isAuthentic: false };
  try {
    const block = openBlock(message.data);
    seen.block = block;
    if (message.subject !== SUBJECT_PREFIX + block.producer) {
      throw refused('subject', `block ${block.n} of \`${block.producer}\` stands on subject \`${message.subject}\``);
    }
    const key = verifyHeader(block, authority, { seq: message.seq });
    seen.isAuthentic = true;
    // Before the entries are read, as `verifyHeader` does by the bundle: whichever says it, the leaf is the same.
    if (isRevoked(key.id)) throw expired(block, key);
    const entries = block.entries.map((_text, index) => {
      seen.index = index;
      return verifyEntry(block, index, key);
    });
    return { block, key, entries };
  } catch (thrown) {
    const refusal = refusalOf(thrown);
    if (refusal === undefined || !(thrown instanceof Fault)) throw thrown;
    // The key was good, and its signature was looked at first.
    const isAuthentic = seen.isAuthentic || refusal === 'expired_key';
    return { refusal, message: thrown.message, ...seen, isAuthentic };
  }
}
