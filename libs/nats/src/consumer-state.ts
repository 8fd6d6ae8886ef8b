import { z } from 'zod';
import type { Bus } from './bus.js';
import { parseApiAnswer } from './stream-error.js';

const Info = z.object({
  ack_floor: z.object({ stream_seq: z.int() }),
  num_ack_pending: z.int(),
  num_pending: z.int(),
});

/** How far a durable consumer is. */
export interface ConsumerState {
  /** Every message up to this stream sequence is acknowledged. */
  readonly ackFloor: number;
  /** Messages that were delivered and are not acknowledged. */
  readonly unacknowledged: number;
  /** Messages that were never delivered. */
  readonly waiting: number;
}

const TIMEOUT_MS = 5_000;

/** Asks the server about a consumer. Throws a BusError without an answer and a StreamError when there is no such consumer. */
export async function consumerState(
  bus: Bus,
  of: { readonly stream: string; readonly consumer: string; readonly apiPrefix: string },
): Promise<ConsumerState> {
  const subject = `${of.apiPrefix}.CONSUMER.INFO.${of.stream}.${of.consumer}`;
  const info = Info.parse(parseApiAnswer((await bus.request(subject, '', { timeoutMs: TIMEOUT_MS })).data));
  return { ackFloor: info.ack_floor.stream_seq, unacknowledged: info.num_ack_pending, waiting: info.num_pending };
}
