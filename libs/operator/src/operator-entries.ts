import { type Entry, LEDGER_STREAM, subjects } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { openAuthorised } from '#writ/ledger-client';
import { parseEntry } from '#writ/tlog';
import { type Operator, OPERATOR } from './open-operator.js';

const READ_BATCH = 256;

/** Every entry that the operator has on record, in stream order, with the message that it is in. Throws LEDGER_*. */
export async function* operatorEntries(
  operator: Pick<Operator, 'streams' | 'authority'>,
): AsyncGenerator<{ readonly seq: number; readonly entry: Entry }> {
  const subject = subjects.ledgerBlock(OPERATOR);
  for (let fromSeq = 1; ;) {
    const { messages, upToDate } = await operator.streams.read(LEDGER_STREAM, { fromSeq, subject, batch: READ_BATCH });
    for (const message of messages) {
      for (const entry of entriesIn(message, operator)) yield { seq: message.seq, entry };
    }
    const last = messages.at(-1);
    if (upToDate || last === undefined) return;
    fromSeq = last.seq + 1;
  }
}

/** What is no block of the operator says nothing: whoever has its bus key, or a key that was revoked, can leave it there. */
function entriesIn(message: Parameters<typeof openAuthorised>[0], { authority }: Pick<Operator, 'authority'>): Entry[] {
  try {
    return openAuthorised(message, authority).entries.map(parseEntry);
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
}
