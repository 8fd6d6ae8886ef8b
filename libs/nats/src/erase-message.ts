import type { Bus } from './bus.js';
import { isStreamError, parseApiAnswer } from './stream-error.js';
import { StreamReader } from './stream-reader.js';

const API_PREFIX = '$JS.API';
const TIMEOUT_MS = 5_000;

/**
 * Takes one message out of a stream and has the server overwrite its bytes on the disk. One that is not there any more is fine. Needs
 * the right to the stream's `MSG.DELETE` and `MSG.GET`. Throws a StreamError, or a BusError when the server does not answer.
 */
export async function eraseMessage(bus: Bus, stream: string, seq: number): Promise<void> {
  const request = JSON.stringify({ seq, no_erase: false });
  const answer = await bus.request(`${API_PREFIX}.STREAM.MSG.DELETE.${stream}`, request, { timeoutMs: TIMEOUT_MS });
  try {
    parseApiAnswer(answer.data);
  } catch (error) {
    // The server has one code for every reason not to delete, so it is asked whether there is anything left to delete.
    if (!isStreamError(error)) throw error;
    const reader = new StreamReader(bus, { apiPrefix: API_PREFIX, timeoutMs: TIMEOUT_MS });
    if ((await reader.message(stream, seq)) !== undefined) throw error;
  }
}
