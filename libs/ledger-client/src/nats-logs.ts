import { LEDGER_STREAM, PAYLOAD_KEYS_STREAM, PAYLOADS_STREAM, subjects } from '#writ/contracts';
import { type Bus, isStreamError, publishToStream, type StreamAck, StreamReader } from '#writ/nats';
import { AppendError, type BlockLog, type LedgerMessage, type PayloadLog } from './ports.js';

const APPEND_TIMEOUT_MS = 3_000;
const READ_BATCH = 256;
/** About what the server may send before it waits for nobody: a few dozen full blocks. */
const READ_BYTES_MAX = 4_000_000;
const PAYLOAD_BATCH = 64;

async function publish(run: () => Promise<StreamAck>): Promise<StreamAck> {
  try {
    return await run();
  } catch (cause) {
    if (isStreamError(cause, 'full')) throw new AppendError('full', { cause });
    if (isStreamError(cause, 'wrong-last-sequence')) throw new AppendError('stale', { cause });
    // A time-out, a lost connection, a server that starts: the message may or may not be stored.
    throw new AppendError('unknown', { cause });
  }
}

/** The LEDGER stream over NATS. `apiPrefix` is that of the account's import, or `$JS.API` in the ledger's own account. */
export class NatsBlockLog implements BlockLog {
  readonly #reader: StreamReader;

  constructor(
    private readonly bus: Bus,
    apiPrefix: string,
  ) {
    this.#reader = new StreamReader(bus, { apiPrefix });
  }

  tail(producer: string): Promise<LedgerMessage | undefined> {
    return this.#reader.lastOnSubject(LEDGER_STREAM, subjects.ledgerBlock(producer));
  }

  async append(producer: string, block: Uint8Array, { id, after }: { readonly id: string; readonly after: number }) {
    const { seq, duplicate } = await publish(() =>
      publishToStream(this.bus, subjects.ledgerBlock(producer), block, {
        msgId: id,
        expectLastSubjectSeq: after,
        stream: LEDGER_STREAM,
        timeoutMs: APPEND_TIMEOUT_MS,
      }),
    );
    // The server knows the id: from us, or from somebody who used it first. The own tail tells which.
    if (duplicate) throw new AppendError('unknown');
    return seq;
  }

  message(seq: number): Promise<LedgerMessage | undefined> {
    return this.#reader.message(LEDGER_STREAM, seq);
  }

  async read(fromSeq: number, producer?: string) {
    const subject = producer === undefined ? {} : { subject: subjects.ledgerBlock(producer) };
    const options = { fromSeq, batch: READ_BATCH, maxBytes: READ_BYTES_MAX, ...subject };
    const batch = await this.#reader.read(LEDGER_STREAM, options);
    return { messages: batch.messages, isUpToDate: batch.upToDate };
  }
}

/** The payload streams over NATS. */
export class NatsPayloadLog implements PayloadLog {
  readonly #reader: StreamReader;

  constructor(
    private readonly bus: Bus,
    apiPrefix: string,
  ) {
    this.#reader = new StreamReader(bus, { apiPrefix });
  }

  async append(producer: string, message: Uint8Array, id: string): Promise<void> {
    const options = { msgId: `p.${id}`, stream: PAYLOADS_STREAM, timeoutMs: APPEND_TIMEOUT_MS };
    // The same id twice is stored once, so an unknown outcome is simply tried again.
    await publish(() => publishToStream(this.bus, subjects.payload(producer), message, options)).catch(
      (error: unknown) => {
        if (error instanceof AppendError && error.problem === 'full') throw error;
        return publish(() => publishToStream(this.bus, subjects.payload(producer), message, options));
      },
    );
  }

  async appendKey(keyName: string, message: Uint8Array): Promise<void> {
    const options = { msgId: keyName, stream: PAYLOAD_KEYS_STREAM, timeoutMs: APPEND_TIMEOUT_MS };
    await publish(() => publishToStream(this.bus, keyName, message, options));
  }

  async key(keyName: string): Promise<Uint8Array | undefined> {
    return (await this.#reader.lastOnSubject(PAYLOAD_KEYS_STREAM, keyName))?.data;
  }

  async *since(producer: string, sinceMs: number, untilMs = Infinity): AsyncIterable<Uint8Array> {
    const subject = subjects.payload(producer);
    let from: { startTime: string } | { fromSeq: number } = { startTime: new Date(sinceMs).toISOString() };
    for (;;) {
      const { messages, upToDate } = await this.#reader.read(PAYLOADS_STREAM, {
        ...from,
        subject,
        batch: PAYLOAD_BATCH,
      });
      for (const message of messages) {
        if (Date.parse(message.time) > untilMs) return;
        yield message.data;
      }
      const last = messages.at(-1);
      if (upToDate || last === undefined) return;
      from = { fromSeq: last.seq + 1 };
    }
  }
}
