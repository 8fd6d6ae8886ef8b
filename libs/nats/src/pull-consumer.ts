import { isBusError, type Bus, type BusMessage, type BusSubscription } from './bus.js';
import { storedMsgId } from './publish-to-stream.js';

/** A message taken from a consumer. Exactly one of `ack`, `nak` and `term` ends it; until then it counts as in flight. */
export interface PulledMessage {
  readonly seq: number;
  readonly subject: string;
  readonly data: Uint8Array;
  /** When the stream took it, in Unix ms. */
  readonly storedMs: number;
  /** How often the server has delivered it, this time included. */
  readonly deliveries: number;
  /** The id under which the stream took it, once within its duplicate window; undefined when that is not certain. */
  readonly msgId: string | undefined;
  ack(): void;
  /** Acknowledges and waits until the server has it on record. */
  ackConfirmed(timeoutMs: number): Promise<void>;
  /** Asks for another delivery, not before the delay is over. */
  nak(delayMs: number): void;
  /** Says that the work goes on: the time for the acknowledgement starts again. */
  working(): void;
  /** Never again. */
  term(): void;
}

export interface PullConsumerOptions {
  readonly stream: string;
  readonly consumer: string;
  readonly apiPrefix?: string;
  /** At most so many messages are taken and not yet settled, or asked for. */
  readonly inFlightMax: number;
  /** Settles the message. A promise that rejects is a bug and goes to `onError`; the message then waits for its redelivery. */
  readonly onMessage: (message: PulledMessage) => Promise<void>;
  readonly onError: (error: Error) => void;
}

/** How long one pull request stands at the server. */
const PULL_EXPIRES_MS = 5_000;
/** The server answers each request within its expiry; when nothing came for longer, the request is gone. */
const PULL_LOST_MS = PULL_EXPIRES_MS + 1_000;
const RETRY_MS = 200;

/**
 * Takes messages from a durable pull consumer, with no right but to pull and to acknowledge. Pulls again after a reconnect,
 * a missing stream or a lost request: the client library's own consumer stays silent in the first case.
 */
export class PullConsumer {
  readonly #bus: Bus;
  readonly #options: PullConsumerOptions;
  readonly #inbox: string;
  readonly #nextSubject: string;
  readonly #subscription: BusSubscription;
  readonly #stopListening: () => void;
  readonly #working = new Set<Promise<void>>();
  /** Messages asked for and not yet received, by pull request. */
  #asked = 0;
  #pull = 0;
  #isStopped = false;
  #lostTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(bus: Bus, options: PullConsumerOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#inbox = bus.newInbox();
    this.#nextSubject = `${options.apiPrefix ?? '$JS.API'}.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
    this.#subscription = bus.subscribe(`${this.#inbox}.*`, {
      onMessage: (message) => this.#receive(message),
      onError: options.onError,
    });
    this.#stopListening = bus.onReconnect(() => this.#startOver());
    this.#fill();
  }

  /** Takes no more messages and resolves when those in flight were settled. What was only asked for stays in the stream. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopListening();
    clearTimeout(this.#lostTimer);
    clearTimeout(this.#retryTimer);
    await this.#subscription.drain();
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  /** Keeps requests standing for all free places, in few requests: only when half of the places are free. */
  #fill(): void {
    if (this.#isStopped || this.#retryTimer !== undefined) return;
    const free = this.#options.inFlightMax - this.#working.size - this.#asked;
    if (free * 2 < this.#options.inFlightMax) return;
    const request = { batch: free, expires: PULL_EXPIRES_MS * 1_000_000 };
    try {
      this.#bus.publish(this.#nextSubject, JSON.stringify(request), { reply: `${this.#inbox}.${this.#pull}` });
    } catch (error) {
      // Without a connection there is nothing to ask: the reconnect starts over.
      if (!isBusError(error, 'disconnected') && !isBusError(error, 'closed')) throw error;
      return;
    }
    this.#asked += free;
    this.#watchForLoss();
  }

  #receive(message: BusMessage): void {
    const delivery = parseAckSubject(message.reply);
    if (delivery !== undefined) {
      this.#asked = Math.max(0, this.#asked - 1);
      this.#watchForLoss();
      this.#handle(pulled(this.#bus, message, delivery));
      return;
    }
    // The answer to a request from before a reconnect says nothing about the requests that stand now.
    const isStale = !message.subject.endsWith(`.${this.#pull}`);
    if (message.status === 0 || message.status === 100 || isStale) return;
    this.#asked = Math.max(0, this.#asked - Number(message.header('Nats-Pending-Messages') ?? this.#asked));
    // 408 is the ordinary end of a request. Anything else, such as no stream yet (503), would come again at once.
    if (message.status === 408) this.#fill();
    else this.#retryLater();
  }

  #handle(message: PulledMessage): void {
    const work = this.#options
      .onMessage(message)
      .catch((error: unknown) => this.#options.onError(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#working.delete(work);
        this.#fill();
      });
    this.#working.add(work);
  }

  #retryLater(): void {
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined;
      this.#startOver();
    }, RETRY_MS);
  }

  #watchForLoss(): void {
    if (this.#isStopped) return;
    if (this.#lostTimer === undefined) this.#lostTimer = setTimeout(() => this.#startOver(), PULL_LOST_MS);
    else this.#lostTimer.refresh();
  }

  #startOver(): void {
    if (this.#isStopped) return;
    this.#pull += 1;
    this.#asked = 0;
    this.#fill();
  }
}

interface Delivery {
  readonly ackSubject: string;
  readonly deliveries: number;
  readonly seq: number;
  readonly storedMs: number;
}

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>`, or the same with
 * `<domain>.<account hash>` in front of the stream and a random token at the end.
 */
function parseAckSubject(reply: string | undefined): Delivery | undefined {
  if (reply === undefined || !reply.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  const at = tokens.length >= 11 ? 6 : 4;
  const deliveries = Number(tokens[at]);
  const seq = Number(tokens[at + 1]);
  // Nanoseconds, more than a number holds exactly: the last digits are not of interest.
  const storedMs = Math.floor(Number(tokens[at + 3]) / 1_000_000);
  return [deliveries, seq, storedMs].every(Number.isSafeInteger)
    ? { ackSubject: reply, deliveries, seq, storedMs }
    : undefined;
}

function pulled(bus: Bus, message: BusMessage, delivery: Delivery): PulledMessage {
  const say = (word: string) => bus.publish(delivery.ackSubject, word);
  return {
    seq: delivery.seq,
    subject: message.subject,
    data: message.data,
    storedMs: delivery.storedMs,
    deliveries: delivery.deliveries,
    msgId: storedMsgId(message),
    ack: () => say('+ACK'),
    ackConfirmed: async (timeoutMs) => void (await bus.request(delivery.ackSubject, '+ACK', { timeoutMs })),
    nak: (delayMs) => say(`-NAK ${JSON.stringify({ delay: delayMs * 1_000_000 })}`),
    working: () => say('+WPI'),
    term: () => say('+TERM'),
  };
}
