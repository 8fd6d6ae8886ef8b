import type { Authority } from '#writ/signing';
import { FIRST_PREV } from '#writ/tlog';
import { openAuthorised } from './open-authorised.js';
import type { BlockLog, LedgerMessage } from './ports.js';

/** Where the blocks are, and who may have signed them. */
interface Chain {
  readonly blocks: BlockLog;
  readonly authority: () => Authority;
}

/**
 * Hash of the producer's last authorised block of this ledger, which has the tail. Whoever may publish on the subject but holds no key can leave junk there: it
 * moves the sequence that the next block is fenced by, and not the chain.
 */
export async function lastBlockHash(options: Chain, tail: LedgerMessage): Promise<string> {
  const hashOf = (message: LedgerMessage) => {
    try {
      return openAuthorised(message, options.authority()).block.hash;
    } catch {
      return undefined;
    }
  };
  let hash = hashOf(tail);
  if (hash !== undefined) return hash;
  for (let from = options.authority().begins; ;) {
    const { messages, isUpToDate } = await options.blocks.read(from);
    for (const message of messages) {
      from = message.seq + 1;
      if (message.subject === tail.subject) hash = hashOf(message) ?? hash;
    }
    if (isUpToDate) return hash ?? FIRST_PREV;
  }
}
