import { subjects } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Authority } from '#writ/signing';
import { openBlock, type VerifiedBlock, verifyBlock } from '#writ/tlog';
import type { LedgerMessage } from './ports.js';

/**
 * A block whose subject, signature, authorship and entries hold, under a key that counts at its place in the stream. What stands before
 * the beginning of the ledger is of the ledger before it, and counts as that. Throws LEDGER_CORRUPT.
 */
export function openAuthorised(message: LedgerMessage, authority: Authority): VerifiedBlock {
  const block = openBlock(message.data);
  if (message.subject !== subjects.ledgerBlock(block.producer)) {
    throw new Fault('LEDGER_CORRUPT', `block ${message.seq} stands on the subject of another producer`);
  }
  return verifyBlock(block, authority.at(message.seq), { seq: message.seq });
}
