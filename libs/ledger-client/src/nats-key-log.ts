import { createHash } from 'node:crypto';
import { PAYLOAD_KEYS_STREAM } from '#writ/contracts';
import { type Bus, eraseMessage, publishToStream, StreamReader } from '#writ/nats';
import type { KeyLog, StoredKey } from './ports.js';

const READ_BATCH = 256;
const TIMEOUT_MS = 3_000;

/** The wrapped data keys over NATS, for a user of the ledger's own account. */
export class NatsKeyLog implements KeyLog {
  readonly #reader: StreamReader;

  constructor(
    private readonly bus: Bus,
    apiPrefix: string,
  ) {
    this.#reader = new StreamReader(bus, { apiPrefix });
  }

  async *keys(holder: string): AsyncIterable<StoredKey> {
    const subject = `payloadkey.*.${holder}.*.*`;
    for (let fromSeq = 1; ;) {
      const { messages, upToDate } = await this.#reader.read(PAYLOAD_KEYS_STREAM, {
        fromSeq,
        subject,
        batch: READ_BATCH,
      });
      for (const { seq, subject: name, data, time } of messages) yield { seq, name, data, storedMs: Date.parse(time) };
      const last = messages.at(-1);
      if (upToDate || last === undefined) return;
      fromSeq = last.seq + 1;
    }
  }

  async add(name: string, wrapped: Uint8Array): Promise<void> {
    const msgId = createHash('sha256').update(wrapped).digest('base64url');
    await publishToStream(this.bus, name, wrapped, { msgId, stream: PAYLOAD_KEYS_STREAM, timeoutMs: TIMEOUT_MS });
  }

  erase(seq: number): Promise<void> {
    return eraseMessage(this.bus, PAYLOAD_KEYS_STREAM, seq);
  }
}
