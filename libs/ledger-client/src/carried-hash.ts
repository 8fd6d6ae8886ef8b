import type { Authority } from '#writ/signing';
import { parseEntry } from '#writ/tlog';
import { openAuthorised } from './open-authorised.js';
import type { BlockLog, LedgerMessage } from './ports.js';

const OPERATOR = 'operator';

/**
 * Hash of the last block of a producer whose blocks were all removed with the beginning of the stream: the operator carried it over
 * before they went. Undefined when nothing of this ledger was removed or the producer had written nothing. Rejects when the stream cannot be read.
 */
export async function carriedHash(
  blocks: BlockLog,
  producer: string,
  authority: Authority,
): Promise<string | undefined> {
  const [first] = (await blocks.read(1)).messages;
  if (first === undefined || first.seq <= authority.begins) return undefined;
  let hash: string | undefined;
  for (let from = authority.begins; ;) {
    const { messages, isUpToDate } = await blocks.read(from, OPERATOR);
    for (const message of messages) {
      hash = hashIn(message, producer, authority) ?? hash;
      from = message.seq + 1;
    }
    if (isUpToDate || messages.length === 0) return hash;
  }
}

/** Only what the operator signed counts: anybody who may publish can leave a message there. */
function hashIn(message: LedgerMessage, producer: string, authority: Authority): string | undefined {
  try {
    const entries = openAuthorised(message, authority).entries.map((entry) => parseEntry(entry));
    return entries.flatMap((entry) =>
      entry.type === 'producer.carried' && entry.of === producer ? (entry.prev ?? []) : [],
    )[0];
  } catch {
    return undefined;
  }
}
