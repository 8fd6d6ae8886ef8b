import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf } from './handler-answer.js';

export interface StreamServerOptions<M> {
  /** What stands in the stream from the reader's own position on; an empty list when there is nothing new. */
  readonly read: () => Promise<readonly M[]>;
  readonly pollMs: number;
  /** Told of what `read` or the handler threw; the next round begins after `pollMs`. */
  readonly onError: (error: unknown) => void;
}

/**
 * Nest transport strategy for a reader that keeps its own position in a stream. Its one `@MessagePattern` gets each batch in stream
 * order, one at a time, and an empty batch when nothing came: what is due by time happens in the same place.
 */
export class StreamServer<M> extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('writ-stream');
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isServing = false;

  constructor(private readonly options: StreamServerOptions<M>) {
    super();
  }

  listen(callback: () => void): void {
    callback();
  }

  /** Begins to read. Until then nothing is handed over. */
  serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    this.#running = this.#run();
  }

  /** Reads no more, and waits for the batch that is being handled. */
  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  on(): void {}

  unwrap<T>(): T {
    return this.#running as T;
  }

  async #run(): Promise<void> {
    const [handler] = this.messageHandlers.values();
    const { signal } = this.#stopped;
    if (handler === undefined) return;
    while (!signal.aborted) {
      let isMore = false;
      try {
        const messages = await this.options.read();
        if (signal.aborted) return;
        await answerOf(handler, messages);
        isMore = messages.length > 0;
      } catch (error) {
        this.options.onError(error);
      }
      if (!isMore) await sleep(this.options.pollMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
