import { LEDGER_STREAM, PAYLOADS_STREAM, subjects } from '#writ/contracts';
import { type Bus, publishToStream } from '#writ/nats';

interface Waiting {
  readonly line: string;
  readonly value: string;
  readonly done: (place: { readonly seq: number; readonly i: number }) => void;
}

const ENTRIES_PER_BLOCK_MAX = 256;
const TIMEOUT_MS = 10_000;

/** Group commit as the block writer does it, with its fence and its payload message, and without signature, hash or cipher. */
export class FloorWriter {
  readonly #queue: Waiting[] = [];
  #isWriting = false;
  #after = 0;
  #n = 0;

  constructor(
    private readonly bus: Bus,
    private readonly producer: string,
  ) {}

  append(line: string, value: string): Promise<{ readonly seq: number; readonly i: number }> {
    return new Promise((done) => {
      this.#queue.push({ line, value, done });
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, ENTRIES_PER_BLOCK_MAX);
      const id = `${this.producer}.${process.pid}.${++this.#n}`;
      const block = publishToStream(
        this.bus,
        subjects.ledgerBlock(this.producer),
        Buffer.from(batch.map(({ line }) => line).join('\n')),
        {
          msgId: id,
          expectLastSubjectSeq: this.#after,
          stream: LEDGER_STREAM,
          timeoutMs: TIMEOUT_MS,
        },
      );
      const values = publishToStream(
        this.bus,
        subjects.payload(this.producer),
        Buffer.from(batch.map(({ value }) => value).join('\n')),
        {
          msgId: `p.${id}`,
          stream: PAYLOADS_STREAM,
          timeoutMs: TIMEOUT_MS,
        },
      );
      const [{ seq }] = await Promise.all([block, values]);
      this.#after = seq;
      batch.forEach(({ done }, i) => done({ seq, i }));
    }
    this.#isWriting = false;
  }
}
