import { AppendError, type BlockLog, type LedgerMessage, type PayloadLog } from '../../libs/ledger-client/src/ports.js';

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
    const seq = this.messages.length + 1;
    this.messages.push({ seq, subject: `ledger.block.${producer}`, data });
    if (problem === 'stored-but-silent') throw new AppendError('unknown');
    return seq;
  }

  message(seq: number) {
    return Promise.resolve(this.messages[seq - 1]);
  }

  read(fromSeq: number) {
    return Promise.resolve({ messages: this.messages.slice(fromSeq - 1), isUpToDate: true });
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
