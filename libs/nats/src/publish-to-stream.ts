import type { Bus, BusHeaders, BusMessage } from './bus.js';
import { parseApiAnswer, StreamError } from './stream-error.js';

export interface PublishToStreamOptions {
  /** A digest of the content: the server stores the same id once within its duplicate window. */
  readonly msgId: string;
  /** The sequence that the last message on this subject must have; 0 when there must be none. Checked before `msgId`. */
  readonly expectLastSubjectSeq?: number;
  /** The name of the stream that must answer. */
  readonly stream?: string;
  readonly timeoutMs: number;
}

export interface StreamAck {
  readonly seq: number;
  readonly duplicate: boolean;
}

/**
 * Publishes and waits until the stream has stored the message. Throws a StreamError when it refuses and a BusError when
 * there is no answer: after a time-out or a lost connection the message may or may not be stored, so ask the stream.
 */
export async function publishToStream(
  bus: Bus,
  subject: string,
  data: Uint8Array,
  options: PublishToStreamOptions,
): Promise<StreamAck> {
  const answer = await bus.request(subject, data, { timeoutMs: options.timeoutMs, headers: headersFor(options) });
  const { seq, duplicate } = parseApiAnswer(answer.data);
  if (typeof seq !== 'number') throw new StreamError('other', 0, 'the answer of the stream has no sequence');
  return { seq, duplicate: duplicate === true };
}

/** What `headersFor` makes for a message without a fence, and nothing else. */
const STORED_HEADERS = /^NATS\/1\.0\r\nNats-Msg-Id: ([A-Za-z0-9_-]+)\r\n(?:Nats-Expected-Stream: [A-Z_]+\r\n)?\r\n$/;

/**
 * The id under which a stream took the message, or undefined when its headers are not exactly those of `publishToStream`. The
 * server reads the id by its own rules (the first line of that name, blanks at its end included), so one that was only
 * parsed here could be another than the one that the server compared.
 */
export function storedMsgId(message: Pick<BusMessage, 'headerText'>): string | undefined {
  return STORED_HEADERS.exec(message.headerText())?.[1];
}

function headersFor(options: PublishToStreamOptions): BusHeaders {
  return {
    'Nats-Msg-Id': options.msgId,
    ...(options.stream !== undefined && { 'Nats-Expected-Stream': options.stream }),
    ...(options.expectLastSubjectSeq !== undefined && {
      'Nats-Expected-Last-Subject-Sequence': String(options.expectLastSubjectSeq),
    }),
  };
}
