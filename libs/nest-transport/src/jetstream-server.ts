import type { PullConsumer, PulledMessage } from '#writ/nats';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { answerOf } from './handler-answer.js';

export interface JetStreamServerOptions {
  /** Starts pulling from the durable consumer of that name; `onMessage` resolves when the message is settled. */
  readonly pull: (consumer: string, onMessage: (message: PulledMessage) => Promise<void>) => PullConsumer;
}

/**
 * Nest transport strategy for durable pull consumers. An `@MessagePattern` is the name of a consumer that was provisioned
 * beforehand: the strategy creates and changes nothing on the server. A handler settles its message itself; one that throws
 * has found a bug, and the message is left to the server's own rules.
 */
export class JetStreamServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('writ-commands');
  #consumers: PullConsumer[] = [];

  constructor(private readonly options: JetStreamServerOptions) {
    super();
  }

  listen(callback: () => void): void {
    this.#consumers = [...this.messageHandlers].map(([consumer, handler]) =>
      this.options.pull(consumer, async (message) => {
        await answerOf(handler, message).catch((error: unknown) => {
          this.handleError(error instanceof Error ? (error.stack ?? error.message) : String(error));
        });
      }),
    );
    callback();
  }

  /** Pulls no more, and waits until what was pulled is settled. */
  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
  }

  on(): void {}

  unwrap<T>(): T {
    return this.#consumers as T;
  }
}
