import type { Bus, BusMessage, BusSubscription } from '#writ/nats';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { answerOf } from './handler-answer.js';

export interface RequestServerOptions {
  readonly bus: Bus;
  readonly queue: string;
  /** More than this many requests at once are answered with `busy` and not queued. */
  readonly inFlightMax: number;
  /** Who sent it, as the bus says. One sender may have half of the requests in flight, so that others are still served. */
  readonly senderOf: (message: BusMessage) => string;
  /** Whether an answer may go to that subject. The reply of a request is attacker-controlled. */
  readonly isReplyAllowed: (reply: string | undefined) => boolean;
  /** Told of a request that cannot be answered, because of its reply subject. */
  readonly onUnanswerable: (message: BusMessage) => void;
  /** The answer to a request that is over the limit, and to one whose handler threw. */
  readonly busy: () => Uint8Array | string;
  readonly failed: (error: unknown, message: BusMessage) => Uint8Array | string;
}

/**
 * Nest transport strategy for requests on core NATS. A `@MessagePattern` names a handler, not a subject: subjects are opened
 * and closed at run time, because a shard is served by its owner alone. A handler gets the raw message and returns what to
 * answer, or undefined when another process answers. An error is an answer too: no request is left without one.
 */
export class RequestServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('writ-requests');
  #inFlight = 0;
  readonly #inFlightOf = new Map<string, number>();
  readonly #open = new Set<BusSubscription>();

  constructor(private readonly options: RequestServerOptions) {
    super();
  }

  listen(callback: () => void): void {
    callback();
  }

  /** Serves the subject with the handler of that pattern until the returned subscription is drained. */
  serve(subject: string, pattern: string): BusSubscription {
    const handler = this.getHandlerByPattern(pattern);
    if (handler === null) throw new Error(`no handler is registered for \`${pattern}\``);
    const subscription = this.options.bus.subscribe(subject, {
      queue: this.options.queue,
      onMessage: (message) => void this.#dispatch(message, handler),
    });
    this.#open.add(subscription);
    return subscription;
  }

  async #dispatch(message: BusMessage, handler: MessageHandler): Promise<void> {
    const { reply } = message;
    if (reply === undefined || !this.options.isReplyAllowed(reply)) {
      this.options.onUnanswerable(message);
      return;
    }
    const sender = this.options.senderOf(message);
    if (!this.#enter(sender)) {
      this.#answer(reply, this.options.busy());
      return;
    }
    try {
      const answer = await answerOf(handler, message);
      if (answer !== undefined) this.#answer(reply, answer as Uint8Array | string);
    } catch (error) {
      this.#answer(reply, this.options.failed(error, message));
    } finally {
      this.#leave(sender);
    }
  }

  /** Counts the request in, unless there are too many, of everybody or of this sender. */
  #enter(sender: string): boolean {
    const { inFlightMax } = this.options;
    const ofSender = this.#inFlightOf.get(sender) ?? 0;
    if (this.#inFlight >= inFlightMax || ofSender >= Math.ceil(inFlightMax / 2)) return false;
    this.#inFlight += 1;
    this.#inFlightOf.set(sender, ofSender + 1);
    return true;
  }

  #leave(sender: string): void {
    this.#inFlight -= 1;
    const ofSender = (this.#inFlightOf.get(sender) ?? 1) - 1;
    if (ofSender === 0) this.#inFlightOf.delete(sender);
    else this.#inFlightOf.set(sender, ofSender);
  }

  /** A connection that is gone takes the caller's with it: there is nobody to tell. */
  #answer(reply: string, answer: Uint8Array | string): void {
    try {
      this.options.bus.publish(reply, answer);
    } catch (error) {
      this.handleError(error instanceof Error ? error.message : String(error));
    }
  }

  /** Takes no more requests, and waits until those in flight are answered. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((subscription) => subscription.drain().catch(() => undefined)));
    while (this.#inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  on(): void {}

  unwrap<T>(): T {
    return this.options.bus as T;
  }
}
