import { SEALED_ENTRIES_MAX, SEALED_STREAM, SEALED_SUBJECT, type SealedMessage } from '#writ/contracts';
import { type Bus, consumerState, PullConsumer } from '#writ/nats';
import { OrderedFeed } from '../../apps/siem-exporter/src/ordered-feed.js';
import type { Feed } from '../../apps/siem-exporter/src/ports.js';
import { completedBody, decidedBody, LedgerBuilder } from '../harness/ledger-builder.js';
import { type PlainServer, startPlainServer } from '../harness/nats-server.js';

const IN_FLIGHT_MAX = 64;
const ACK_TIMEOUT_MS = 2_000;
const API_TIMEOUT_MS = 10_000;
const ACK_WAIT_NS = 60_000_000_000;

/** A feed that ends. */
export interface EndingFeed extends AsyncDisposable {
  readonly feed: Feed;
  /** Resolves when the server has the acknowledgement of each message. */
  readonly acknowledged: Promise<void>;
}

/** SEALED on a nats-server of its own, with entries that lie there: decisions and outcomes as a shard and an executor write them. */
export class SealedStream implements AsyncDisposable {
  #consumers = 0;

  private constructor(
    private readonly server: PlainServer,
    private readonly bus: Bus,
  ) {}

  static async start(entries: number): Promise<SealedStream> {
    const server = await startPlainServer();
    const bus = await server.connect();
    const stream = new SealedStream(server, bus);
    await stream.#ask(`STREAM.CREATE.${SEALED_STREAM}`, { name: SEALED_STREAM, subjects: [SEALED_SUBJECT] });
    for (const message of sealedMessages(entries))
      await bus.request(SEALED_SUBJECT, JSON.stringify(message), { timeoutMs: API_TIMEOUT_MS });
    return stream;
  }

  /** The first of the entries, by a durable consumer of its own, as the exporter reads them. */
  async read(entries: number): Promise<EndingFeed> {
    const consumer = `siem-${++this.#consumers}`;
    const config = { durable_name: consumer, ack_policy: 'explicit', ack_wait: ACK_WAIT_NS };
    await this.#ask(`CONSUMER.DURABLE.CREATE.${SEALED_STREAM}.${consumer}`, { stream_name: SEALED_STREAM, config });
    const of = { stream: SEALED_STREAM, consumer, apiPrefix: '$JS.API' };
    const ordered = new OrderedFeed({
      next: 1,
      unacknowledged: async () => (await consumerState(this.bus, of)).unacknowledged,
      ackTimeoutMs: ACK_TIMEOUT_MS,
    });
    const pull = new PullConsumer(this.bus, {
      ...of,
      inFlightMax: IN_FLIGHT_MAX,
      onMessage: (message) => ordered.accept(message),
      onError: (error) => {
        throw error;
      },
    });
    const end = async () => {
      ordered.letGo();
      await pull.stop();
    };
    return { ...counted(ordered, Math.ceil(entries / SEALED_ENTRIES_MAX)), [Symbol.asyncDispose]: end };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }

  async #ask(what: string, request: object): Promise<void> {
    const { data } = await this.bus.request(`$JS.API.${what}`, JSON.stringify(request), { timeoutMs: API_TIMEOUT_MS });
    const { error } = JSON.parse(Buffer.from(data).toString()) as { readonly error?: object };
    if (error !== undefined) throw new Error(`${what}: ${JSON.stringify(error)}`);
  }
}

/** The first messages of a feed. */
function counted(feed: Feed, messages: number): Omit<EndingFeed, keyof AsyncDisposable> {
  let [untaken, open] = [messages, messages];
  let finish: () => void = () => undefined;
  const acknowledged = new Promise<void>((resolve) => (finish = resolve));
  const take: Feed['take'] = async (bytesMax, waitMs) => {
    // Behind the last one there is nothing: whoever asks for more waits as long as for a feed at rest.
    const taken = untaken === 0 ? [] : (await feed.take(bytesMax, waitMs)).slice(0, untaken);
    if (taken.length === 0) await new Promise((resolve) => setImmediate(resolve));
    untaken -= taken.length;
    return taken.map((message) => ({
      data: message.data,
      sealedMs: message.sealedMs,
      done: async () => {
        await message.done();
        open -= 1;
        if (open === 0) finish();
      },
    }));
  };
  return { feed: { take }, acknowledged };
}

function* sealedMessages(count: number): Iterable<SealedMessage> {
  const builder = new LedgerBuilder();
  const pairs = Array.from({ length: count / 2 }, (_, n) => [
    builder.entry('pdp-0', decidedBody('tool.call', `call-${n}`, n % 4 === 0 ? 'deny' : 'allow')),
    builder.entry('exec-tool-1', completedBody('tool.call', `call-${n}`, { seq: n, i: 0 })),
  ]);
  const texts = pairs.flat();
  for (let first = 0; first < texts.length; first += SEALED_ENTRIES_MAX) {
    const entries = texts.slice(first, first + SEALED_ENTRIES_MAX);
    const head = { v: 1, log_name: builder.deployment.ledger, first, size: first + entries.length } as const;
    yield { ...head, root: 'r'.repeat(43), entries };
  }
}
