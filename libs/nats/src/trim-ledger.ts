import { LEDGER_STREAM } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Bus } from './bus.js';
import { parseApiAnswer } from './stream-error.js';
import { StreamReader, type StreamInfo } from './stream-reader.js';

const TIMEOUT_MS = 10_000;
/** The size of messages that a stream takes while its beginning is removed: no block is so small, so nothing is stored meanwhile. */
export const FENCED_MESSAGE_BYTES = 1;

/**
 * Removes the messages of LEDGER before `firstSeq`, with a user that may change streams, and returns the first sequence that is left.
 * The stream itself allows neither purge nor delete, to anybody: for a moment it takes no block, is told how many messages to keep, and
 * becomes what it was. Writers wait meanwhile and try again. Throws LEDGER_INTEGRITY when it has holes or something else went with it,
 * and a StreamError when the server refuses.
 */
export async function trimLedger(boot: Bus, firstSeq: number): Promise<number> {
  const streams = new StreamReader(boot, { apiPrefix: '$JS.API', timeoutMs: TIMEOUT_MS });
  const { config, state } = await streams.info(LEDGER_STREAM);
  if (state.first_seq >= firstSeq) return state.first_seq;
  const update = async (change: object) => {
    const request = JSON.stringify({ ...config, ...change });
    parseApiAnswer(
      (await boot.request(`$JS.API.STREAM.UPDATE.${LEDGER_STREAM}`, request, { timeoutMs: TIMEOUT_MS })).data,
    );
  };
  try {
    await update({ max_msg_size: FENCED_MESSAGE_BYTES });
    // If the process dies here, or after the next update, nobody can write and everything is denied; the next start opens it again.
    const kept = keptFrom(firstSeq, await streams.info(LEDGER_STREAM));
    await update({ max_msg_size: FENCED_MESSAGE_BYTES, discard: 'old', max_msgs: kept });
  } finally {
    await update({});
  }
  const left = (await streams.info(LEDGER_STREAM)).state.first_seq;
  if (left === firstSeq) return left;
  throw new Fault('LEDGER_INTEGRITY', `the stream begins at message ${left}; it was to keep all from ${firstSeq} on`);
}

/** How many messages stand from `firstSeq` on. The server counts messages, so a hole would have it remove too few or too many. */
function keptFrom(firstSeq: number, { state }: StreamInfo): number {
  const { first_seq: first, last_seq: last, messages } = state;
  if (messages !== last - first + 1 || firstSeq > last)
    throw new Fault(
      'LEDGER_INTEGRITY',
      `the stream has ${messages} messages between ${first} and ${last}: it is not whole`,
    );
  return last - firstSeq + 1;
}
