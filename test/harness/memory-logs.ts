import {
  AppendError,
  type BlockLog,
  type KeyLog,
  type LedgerMessage,
  type PayloadLog,
  type StoredKey,
} from '../../libs/ledger-client/src/ports.js';

/** A stream in memory that fences as JetStream does. `fail` decides what happens to the next append. */
export class MemoryLog implements BlockLog {
  readonly messages: LedgerMessage[] = [];
  fail: (() => 'stored-but-silent' | 'lost' | 'full' | undefined) | undefined;

  tail(producer: string) {
    return Promise.resolve(this.messages.filter(({ subject }) => subject === `ledger.block.${producer}`).at(-1));
  }

  async append(producer: string, data: Uint8Array, { after }: { after: number }) {
    await Promise.resolve();
    const problem = this.fail?.();
    if (problem === 'full') throw new AppendError('full');
    if (problem === 'lost') throw new AppendError('unknown');
    if (((await this.tail(producer))?.seq ?? 0) !== after) throw new AppendError('stale');
    const seq = (this.messages.at(-1)?.seq ?? 0) + 1;
    this.messages.push({ seq, subject: `ledger.block.${producer}`, data });
    if (problem === 'stored-but-silent') throw new AppendError('unknown');
    return seq;
  }

  message(seq: number) {
    return Promise.resolve(this.messages.find((message) => message.seq === seq));
  }

  read(fromSeq: number, producer?: string) {
    const isAsked = ({ seq, subject }: LedgerMessage) =>
      seq >= fromSeq && (producer === undefined || subject === `ledger.block.${producer}`);
    return Promise.resolve({ messages: this.messages.filter(isAsked), isUpToDate: true });
  }

  /** Removes what stands before that sequence. */
  trim(firstSeq: number): void {
    this.messages.splice(
      0,
      this.messages.findIndex(({ seq }) => seq >= firstSeq),
    );
  }
}

/** The payload streams in memory, of one producer. */
export class MemoryPayloads implements PayloadLog {
  readonly stored: Uint8Array[] = [];
  readonly keys = new Map<string, Uint8Array>();
  isDown = false;

  append(_producer: string, message: Uint8Array) {
    if (this.isDown) return Promise.reject(new AppendError('unknown'));
    this.stored.push(message);
    return Promise.resolve();
  }

  appendKey(name: string, message: Uint8Array) {
    if (this.isDown) return Promise.reject(new AppendError('unknown'));
    this.keys.set(name, message);
    return Promise.resolve();
  }

  key(name: string) {
    return Promise.resolve(this.keys.get(name));
  }

  async *since() {
    yield* this.stored;
  }
}

/** The wrapped keys of such streams, for who destroys them. `onErase` is told before each, and may throw. */
export function keyLogOf(payloads: MemoryPayloads, onErase: (name: string) => void = () => undefined): KeyLog {
  const names: string[] = [];
  const numbered = (name: string) => {
    if (!names.includes(name)) names.push(name);
    return names.indexOf(name) + 1;
  };
  return {
    async *keys(holder) {
      for (const [name, data] of payloads.keys) {
        const isOfHolder = holder === '*' || name.split('.')[2] === holder;
        if (isOfHolder) yield { seq: numbered(name), name, data, storedMs: 0 } satisfies StoredKey;
      }
    },
    add: (name, data) => payloads.appendKey(name, data),
    erase: async (seq) => {
      const name = names[seq - 1] ?? '';
      onErase(name);
      payloads.keys.delete(name);
    },
  };
}
