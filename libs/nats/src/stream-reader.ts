import type { Bus, BusMessage } from './bus.js';
import { parseApiAnswer, StreamError } from './stream-error.js';

export interface StreamMessage {
  readonly seq: number;
  readonly subject: string;
  readonly data: Uint8Array;
  /** When the server stored it: RFC 3339 with nanoseconds, UTC. */
  readonly time: string;
}

export interface ReadOptions {
  /** First sequence to read. Give this or `startTime`. */
  readonly fromSeq?: number;
  /** RFC 3339: the first message stored at or after this time. */
  readonly startTime?: string;
  readonly batch: number;
  readonly maxBytes?: number;
  /** Only messages on this subject, which may hold wildcards. */
  readonly subject?: string;
}

export interface StreamBatch {
  readonly messages: readonly StreamMessage[];
  /** Nothing was left behind the last message when the server answered. */
  readonly upToDate: boolean;
}

/** What the server says about a stream. Only what Writ reads is named. */
export interface StreamInfo {
  readonly config: Readonly<Record<string, unknown>>;
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly last_seq: number;
    readonly consumer_count: number;
  };
}

const NOT_FOUND_CODE = 10037;
const END_OF_BATCH = 204;
const NOT_FOUND = 404;

/**
 * Reads a stream without a consumer: nothing is kept on the server, so any number of readers may follow, each from its own
 * position. Works through an import that maps the API to another prefix.
 */
export class StreamReader {
  readonly #bus: Bus;
  readonly #api: string;
  readonly #timeoutMs: number;

  constructor(bus: Bus, options: { readonly apiPrefix: string; readonly timeoutMs?: number }) {
    this.#bus = bus;
    this.#api = options.apiPrefix;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
  }

  /** The newest message on the subject, from the stream's leader; undefined when there is none. */
  lastOnSubject(stream: string, subject: string): Promise<StreamMessage | undefined> {
    return this.#get(stream, { last_by_subj: subject });
  }

  /** The message at that sequence, from the stream's leader; undefined when there is none (any more). */
  message(stream: string, seq: number): Promise<StreamMessage | undefined> {
    return this.#get(stream, { seq });
  }

  /** Messages in stream order. An empty batch is up to date. */
  async read(stream: string, options: ReadOptions): Promise<StreamBatch> {
    const answers: BusMessage[] = [];
    await this.#bus.requestMany(`${this.#api}.DIRECT.GET.${stream}`, JSON.stringify(batchRequest(options)), {
      timeoutMs: this.#timeoutMs,
      onMessage: (answer) => {
        answers.push(answer);
        return answer.status === 0 ? 'more' : 'done';
      },
    });
    const end = answers.pop();
    if (end?.status === NOT_FOUND) return { messages: [], upToDate: true };
    if (end?.status !== END_OF_BATCH) {
      throw new StreamError('other', end?.status ?? 0, `the stream \`${stream}\` cannot be read in batches`);
    }
    return { messages: answers.map(toStreamMessage), upToDate: end.header('Nats-Num-Pending') === '0' };
  }

  /** What the server knows about the stream; for users with the right to ask. */
  async info(stream: string): Promise<StreamInfo> {
    const answer = await this.#bus.request(`${this.#api}.STREAM.INFO.${stream}`, '', { timeoutMs: this.#timeoutMs });
    return parseApiAnswer(answer.data) as unknown as StreamInfo;
  }

  async #get(stream: string, which: object): Promise<StreamMessage | undefined> {
    const answer = await this.#bus.request(`${this.#api}.STREAM.MSG.GET.${stream}`, JSON.stringify(which), {
      timeoutMs: this.#timeoutMs,
    });
    try {
      return storedMessage(parseApiAnswer(answer.data)['message'] as StoredMessage);
    } catch (error) {
      if (error instanceof StreamError && error.code === NOT_FOUND_CODE) return undefined;
      throw error;
    }
  }
}

interface StoredMessage {
  readonly seq: number;
  readonly subject: string;
  /** Absent when the message is empty. */
  readonly data?: string;
  readonly time: string;
}

function storedMessage(stored: StoredMessage): StreamMessage {
  return {
    seq: stored.seq,
    subject: stored.subject,
    data: Buffer.from(stored.data ?? '', 'base64'),
    time: stored.time,
  };
}

function batchRequest(options: ReadOptions): object {
  return {
    batch: options.batch,
    ...(options.startTime === undefined ? { seq: options.fromSeq ?? 1 } : { start_time: options.startTime }),
    ...(options.maxBytes !== undefined && { max_bytes: options.maxBytes }),
    ...(options.subject !== undefined && { next_by_subj: options.subject }),
  };
}

/** The producer chose some headers of a stored message, the server adds its own behind them: `header` reads the last. */
function toStreamMessage(message: BusMessage): StreamMessage {
  const seq = Number(message.header('Nats-Sequence'));
  const subject = message.header('Nats-Subject');
  const time = message.header('Nats-Time-Stamp');
  if (!Number.isSafeInteger(seq) || seq < 1 || subject === undefined || time === undefined) {
    throw new StreamError('other', 0, 'a message of the stream came without its sequence, subject or time');
  }
  return { seq, subject, data: message.data, time };
}
