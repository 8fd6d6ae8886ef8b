import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { errors, type NatsConnection, type Subscription } from 'nats';
import {
  BusError,
  type Bus,
  type BusMessage,
  type BusSubscription,
  isBusError,
  type PublishOptions,
  type RequestOptions,
  type SubscribeOptions,
} from './bus.js';
import { assertSubject, toBusError, toBusMessage, toHeaders } from './nats-conversions.js';

/** While a server takes a new configuration its own services are not there for some milliseconds, and then nobody answers. */
const ASKED_AGAIN_AFTER_MS = [20, 100, 400];

type ManyOptions = Parameters<Bus['requestMany']>[2];

interface Outgoing {
  readonly subject: string;
  readonly data: Uint8Array | string;
  readonly options: PublishOptions;
}

interface Waiting {
  readonly subject: string;
  readonly timeoutMs: number;
  readonly onMessage: (message: BusMessage) => 'more' | 'done';
  readonly fail: (error: BusError) => void;
  timer: NodeJS.Timeout;
}

/**
 * The Bus over nats.js. Requests share one inbox subscription, and fail at once when the connection is lost: the client
 * library drops what is published while disconnected, so waiting for the answer would be waiting for nothing.
 */
export class NatsBus implements Bus {
  readonly user: string;
  readonly #connection: NatsConnection;
  readonly #inboxPrefix: string;
  readonly #onError: (error: Error) => void;
  readonly #waiting = new Map<string, Waiting>();
  readonly #reconnectListeners = new Set<() => void>();
  #inbox: { readonly base: string; next: number } | undefined;
  #isConnected = true;
  /** Published in this turn of the event loop and sent at its end, in one write: a system call costs more than a message. */
  #outgoing: Outgoing[] = [];

  constructor(
    connection: NatsConnection,
    options: { readonly user: string; readonly inboxPrefix: string; readonly onError?: (error: Error) => void },
  ) {
    this.#connection = connection;
    this.user = options.user;
    this.#inboxPrefix = options.inboxPrefix;
    this.#onError = options.onError ?? (() => undefined);
    void this.#watchStatus();
    void connection.closed().then(() => {
      this.#isConnected = false;
      this.#failAll(new BusError('closed', 'the connection is closed'));
    });
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  publish(subject: string, data: Uint8Array | string, options: PublishOptions = {}): void {
    assertSubject(subject);
    if (options.reply !== undefined) assertSubject(options.reply);
    if (!this.#isConnected) throw new BusError('disconnected', 'the bus is not connected');
    const bytesMax = this.#connection.info?.max_payload ?? Number.MAX_SAFE_INTEGER;
    if (Buffer.byteLength(data) > bytesMax) {
      throw new BusError('invalid', `the message is over the ${bytesMax} bytes that the bus takes`);
    }
    this.#outgoing.push({ subject, data, options });
    if (this.#outgoing.length === 1) setImmediate(() => this.#send());
  }

  #send(): void {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    for (const { subject, data, options } of outgoing) {
      try {
        this.#connection.publish(subject, data, {
          ...(options.reply === undefined ? {} : { reply: options.reply }),
          ...(options.headers === undefined ? {} : { headers: toHeaders(options.headers) }),
        });
      } catch (cause) {
        const waiting = options.reply === undefined ? undefined : this.#waiting.get(options.reply);
        if (waiting === undefined) this.#onError(toBusError(cause));
        else waiting.fail(toBusError(cause));
      }
    }
  }

  async request(subject: string, data: Uint8Array | string, options: RequestOptions): Promise<BusMessage> {
    let answer: BusMessage | undefined;
    await this.requestMany(subject, data, {
      ...options,
      onMessage: (message) => {
        answer = message;
        return 'done';
      },
    });
    return answer as BusMessage;
  }

  async requestMany(subject: string, data: Uint8Array | string, options: ManyOptions): Promise<void> {
    let isAnswered = false;
    const onMessage = (message: BusMessage) => {
      isAnswered = true;
      return options.onMessage(message);
    };
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#ask(subject, data, { ...options, onMessage });
      } catch (error) {
        // Nobody got it, so it can be sent again.
        const pauseMs = ASKED_AGAIN_AFTER_MS[attempt];
        if (isAnswered || pauseMs === undefined || !isBusError(error, 'no-responders')) throw error;
        await sleep(pauseMs);
      }
    }
  }

  async #ask(subject: string, data: Uint8Array | string, options: ManyOptions): Promise<void> {
    const reply = this.#nextReply();
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: BusError) => {
        const waiting = this.#waiting.get(reply);
        if (waiting === undefined) return;
        clearTimeout(waiting.timer);
        this.#waiting.delete(reply);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#waiting.set(reply, {
        subject,
        timeoutMs: options.timeoutMs,
        timer: setTimeout(
          () => settle(new BusError('timeout', `no answer on \`${subject}\` in ${options.timeoutMs} ms`)),
          options.timeoutMs,
        ),
        fail: settle,
        onMessage: (message) => {
          const isNobodyThere = message.status === 503 && message.data.length === 0;
          if (isNobodyThere) settle(new BusError('no-responders', `nobody answers on \`${subject}\``));
          else if (options.onMessage(message) === 'done') settle();
          else return 'more';
          return 'done';
        },
      });
      try {
        this.publish(subject, data, { ...(options.headers && { headers: options.headers }), reply });
      } catch (error) {
        settle(toBusError(error));
      }
    });
  }

  subscribe(subject: string, options: SubscribeOptions): BusSubscription {
    const subscription = this.#connection.subscribe(subject, {
      ...(options.queue === undefined ? {} : { queue: options.queue }),
      callback: (error, message) => {
        if (error === null) options.onMessage(toBusMessage(message));
        else (options.onError ?? this.#onError)(toBusError(error));
      },
    });
    return toSubscription(subscription);
  }

  onReconnect(listener: () => void): () => void {
    this.#reconnectListeners.add(listener);
    return () => this.#reconnectListeners.delete(listener);
  }

  newInbox(): string {
    return `${this.#inboxPrefix}.${randomBytes(16).toString('base64url')}`;
  }

  flush(): Promise<void> {
    this.#send();
    return this.#connection.flush();
  }

  async drain(): Promise<void> {
    await this.#sendLast();
    if (!this.#connection.isClosed()) await this.#connection.drain();
  }

  async close(): Promise<void> {
    await this.#sendLast();
    if (!this.#connection.isClosed()) await this.#connection.close();
  }

  /**
   * Sends what waits, and lets its errors come while the client library listens to them. Closing takes every listener off the socket;
   * the error of a write from the same turn, to a server that has just ended the connection, would find none and end the process.
   */
  async #sendLast(): Promise<void> {
    if (this.#connection.isClosed()) return;
    this.#send();
    await nextTurn();
  }

  async closed(): Promise<Error | undefined> {
    const reason = await this.#connection.closed();
    return reason instanceof Error ? reason : undefined;
  }

  #nextReply(): string {
    this.#inbox ??= this.#openInbox();
    this.#inbox.next += 1;
    return `${this.#inbox.base}.${this.#inbox.next.toString(36)}`;
  }

  #openInbox(): { readonly base: string; next: number } {
    const base = this.newInbox();
    this.subscribe(`${base}.*`, {
      onMessage: (message) => {
        const waiting = this.#waiting.get(message.subject);
        // A late answer, or one that somebody guessed: nobody waits for it.
        if (waiting !== undefined && waiting.onMessage(message) === 'more') waiting.timer.refresh();
      },
      onError: (error) => {
        this.#inbox = undefined;
        this.#failAll(error);
        this.#onError(error);
      },
    });
    return { base, next: 0 };
  }

  #failAll(error: BusError): void {
    for (const waiting of this.#waiting.values()) waiting.fail(error);
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'disconnect') {
        this.#isConnected = false;
        this.#failAll(new BusError('disconnected', 'the connection was lost before the answer came'));
      } else if (status.type === 'reconnect') {
        this.#isConnected = true;
        for (const listener of this.#reconnectListeners) listener();
      } else if (status.type === 'error') {
        this.#refused(status.error);
      }
    }
  }

  /** A violation names the subject only, so every request that waits on that subject fails: all of them were refused. */
  #refused(error: Error): void {
    if (error instanceof errors.PermissionViolationError) {
      // A refused subscription hears of it through its own callback.
      if (error.operation === 'subscription') return;
      for (const waiting of this.#waiting.values()) {
        if (waiting.subject === error.subject) waiting.fail(toBusError(error));
      }
    }
    this.#onError(toBusError(error));
  }
}

function toSubscription(subscription: Subscription): BusSubscription {
  return {
    unsubscribe: () => {
      if (!subscription.isClosed()) subscription.unsubscribe();
    },
    drain: async () => {
      if (!subscription.isClosed()) await subscription.drain();
    },
  };
}
