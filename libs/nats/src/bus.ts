/** A message as Writ sees it. `header` reads the last value of an exactly spelled name: the server writes its own last. */
export interface BusMessage {
  readonly subject: string;
  /** Attacker-controlled wherever an agent can publish: check it before it is used. */
  readonly reply: string | undefined;
  readonly data: Uint8Array;
  /** Status of a protocol answer of the server (204, 404, 408, 409, 503); 0 for an ordinary message. */
  readonly status: number;
  header(name: string): string | undefined;
  /** The header block byte for byte, in Latin-1: parsers trim and skip, and two of them can read two values. */
  headerText(): string;
}

export type BusHeaders = Readonly<Record<string, string>>;

export interface PublishOptions {
  readonly reply?: string;
  readonly headers?: BusHeaders;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly headers?: BusHeaders;
}

export interface SubscribeOptions {
  readonly queue?: string;
  /** Runs on the connection's own turn: it must be quick and must not throw. */
  readonly onMessage: (message: BusMessage) => void;
  /** The server refused the subscription. Without it the error goes to the connection's `onError`. */
  readonly onError?: (error: BusError) => void;
}

export interface BusSubscription {
  unsubscribe(): void;
  /** Takes no more messages, and resolves when those already received were handed over. */
  drain(): Promise<void>;
}

/** A connection to the bus, as everything but `libs/nats` sees it. */
export interface Bus {
  readonly user: string;
  readonly isConnected: boolean;
  /** Hands the message to the connection. Throws a BusError when there is no connection: nothing is kept for later. */
  publish(subject: string, data: Uint8Array | string, options?: PublishOptions): void;
  /** One answer, or a BusError: `no-responders`, `timeout`, `disconnected`, `permission`. */
  request(subject: string, data: Uint8Array | string, options: RequestOptions): Promise<BusMessage>;
  /** Many answers to one request. `onMessage` says `done` at the last one; the time-out starts again at each answer. */
  requestMany(
    subject: string,
    data: Uint8Array | string,
    options: RequestOptions & { readonly onMessage: (message: BusMessage) => 'more' | 'done' },
  ): Promise<void>;
  subscribe(subject: string, options: SubscribeOptions): BusSubscription;
  /** Calls the listener after each reconnect. Returns how to stop that. */
  onReconnect(listener: () => void): () => void;
  /** A fresh subject under this connection's own inbox prefix. */
  newInbox(): string;
  /** Resolves when the server has seen all that was published before. */
  flush(): Promise<void>;
  /** Ends the subscriptions, hands over what was received, and closes. */
  drain(): Promise<void>;
  close(): Promise<void>;
  /** Resolves when the connection is over for good, with the error that ended it. */
  closed(): Promise<Error | undefined>;
}

export type BusErrorReason = 'no-responders' | 'timeout' | 'disconnected' | 'closed' | 'permission' | 'invalid';

/** Something that the bus, and not the other side, said no to. `reason` is for code, the message for people. */
export class BusError extends Error {
  override readonly name = 'BusError';

  constructor(
    readonly reason: BusErrorReason,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Whether the thrown value is a BusError, of that reason when one is given. */
export function isBusError(thrown: unknown, reason?: BusErrorReason): thrown is BusError {
  return thrown instanceof BusError && (reason === undefined || thrown.reason === reason);
}
