import { randomBytes } from 'node:crypto';
import {
  canonicalJson,
  type Entry,
  type EntryBody,
  type EntryRef,
  type Json,
  type PayloadValue,
} from '#writ/contracts';
import { Fault, toFault } from '#writ/faults';
import type { Authority, SigningKey } from '#writ/signing';
import { FIRST_PREV, openBlock, sealBlock } from '#writ/tlog';
import type { Tokenise } from '#writ/vault';
import { carriedHash } from './carried-hash.js';
import { lastBlockHash } from './last-block-hash.js';
import type { EntryValues, HeldTokens, PayloadSealer } from './payload-sealer.js';
import { AppendError, type BlockLog, type PayloadLog } from './ports.js';
import { ulid } from './ulid.js';

const ENTRIES_PER_BLOCK_MAX = 256;
/** Escaping an entry into a JSON string can double it, and a block message holds 240,000 bytes. */
const ENTRY_BYTES_PER_BLOCK_MAX = 110_000;
const ENTRY_BYTES_MAX = 16_384;
/** One answer of 256 KiB fits; a message of the payload stream holds 500,000 bytes. */
const VALUE_BYTES_PER_BLOCK_MAX = 300_000;
/** Of one entry: more would not fit a message of the payload stream. */
const VALUE_BYTES_MAX = 400_000;
const QUEUE_ENTRIES_MAX = 10_000;
const ATTEMPTS_MAX = 20;

export interface BlockWriterOptions {
  readonly blocks: BlockLog;
  /** Where the values behind commitments go; absent for a producer whose entries have none. */
  readonly values?: { readonly payloads: PayloadLog; readonly sealer: PayloadSealer };
  /** The key of now: each block is signed by the one that is in force when it is made. A throw ends the writer. */
  readonly key: () => SigningKey;
  readonly ledger: string;
  readonly tenant: string;
  readonly producer: string;
  readonly authority: () => Authority;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Told once, when the writer can write no more. */
  readonly onDead?: (fault: Fault) => void;
}

/** What is said of an entry beside its body. */
export interface AppendOptions {
  /** The time of the entry, for what was done at another one than now. */
  readonly nowMs?: number | undefined;
  /** The pseudonym of whom the values are about: they are erased with that subject. Without it they are the agent's. */
  readonly subject?: string | undefined;
}

/** What an append resolves to: where the entry stands, and its leaf. */
export interface Appended extends EntryRef {
  readonly entry: Entry;
  /** Leaf hash of the entry. */
  readonly leaf: Buffer;
}

interface Waiting {
  readonly entry: Entry;
  readonly text: string;
  readonly bytes: number;
  /** Who the values are erased with. */
  readonly holder: string | undefined;
  /** JSON of the values, made once: it is measured here and sealed with the block. */
  readonly valuesText: string;
  readonly done: (appended: Appended) => void;
  readonly failed: (fault: Fault) => void;
}

/**
 * The one writer of one producer's blocks. One block is in flight and there is no timer: what queued meanwhile becomes the
 * next block, so one fsync and one signature carry up to 256 entries. Each block is fenced by the sequence of the last one:
 * a second writer of the same producer is refused by the stream, and the one that finds out stops for good.
 */
export class BlockWriter {
  readonly boot = randomBytes(16).toString('base64url');
  readonly #queue: Waiting[] = [];
  #isWriting = false;
  #dead: Fault | undefined;
  /** Entry numbers given, and entries known to be on record, in this boot. */
  #given = 0;
  #written = 0;
  #n = 0;
  #signing: string | undefined;
  /** The last time that was written out: many entries share a millisecond. */
  #stamped = { ms: -1, ts: '' };

  private constructor(
    private readonly options: BlockWriterOptions,
    private after: number,
    private prev: string,
  ) {}

  /** Reads the producer's tail and continues its chain in this ledger under a new boot. Throws LEDGER_UNAVAILABLE or LEDGER_CORRUPT. */
  static async open(options: BlockWriterOptions): Promise<BlockWriter> {
    const { blocks, producer, authority } = options;
    const unavailable = (cause: unknown) => {
      throw new Fault('LEDGER_UNAVAILABLE', 'the ledger cannot be read', { cause });
    };
    const tail = await blocks.tail(producer).catch(unavailable);
    // In a ledger that goes on from another one every producer begins anew, behind its own last message.
    if (tail === undefined || tail.seq < authority().begins) {
      const carried = await carriedHash(blocks, producer, authority()).catch(unavailable);
      return new BlockWriter(options, tail?.seq ?? 0, carried ?? FIRST_PREV);
    }
    return new BlockWriter(options, tail.seq, await lastBlockHash(options, tail));
  }

  /** Id of the key under which a block is on its way to the stream; undefined while none is. */
  get signing(): string | undefined {
    return this.#signing;
  }

  /** Stream sequence of this producer's last block. */
  get lastSeq(): number {
    return this.after;
  }

  /**
   * Makes tokens for the values of a holder, the pseudonym of a subject or an agent: who erases those erases what is in the tokens.
   * Rejects when the key cannot be stored.
   */
  tokeniser(holder: string): Promise<Tokenise> {
    return this.#sealer().tokeniser(holder, this.options.now());
  }

  /** The same at once: the tokens may be given out when `stored` has resolved. */
  heldTokens(holder: string): HeldTokens {
    return this.#sealer().heldTokens(holder, this.options.now());
  }

  #sealer(): PayloadSealer {
    const { values, producer } = this.options;
    if (values === undefined) throw new Fault('INTERNAL', `\`${producer}\` has no store for values`);
    return values.sealer;
  }

  /**
   * Resolves when the entry, and the values that its commitments open to, are durable. Throws LEDGER_ENTRY_TOO_LARGE,
   * LEDGER_OVERLOADED, LEDGER_FULL, LEDGER_UNAVAILABLE or LEDGER_FENCED; after LEDGER_UNAVAILABLE the entry may be on record.
   */
  append(body: EntryBody, values: readonly PayloadValue[] = [], options: AppendOptions = {}): Promise<Appended> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    if (this.#queue.length >= QUEUE_ENTRIES_MAX) {
      return Promise.reject(new Fault('LEDGER_OVERLOADED', `${QUEUE_ENTRIES_MAX} entries wait to be written`));
    }
    if (values.length > 0 && this.options.values === undefined) {
      return Promise.reject(new Fault('INTERNAL', `\`${this.options.producer}\` has no store for values`));
    }
    return new Promise((done, failed) => {
      const entry = this.#complete(body, options.nowMs ?? this.options.now());
      // The schema of entries admits JSON only, which their types cannot say.
      const text = canonicalJson(entry as unknown as Json);
      const bytes = Buffer.byteLength(text);
      if (bytes > ENTRY_BYTES_MAX) {
        failed(
          new Fault('LEDGER_ENTRY_TOO_LARGE', `an entry of type \`${body.type}\` is over ${ENTRY_BYTES_MAX} bytes`),
        );
        return;
      }
      this.#given += 1;
      const holder = options.subject ?? ('who' in body ? body.who.agent : undefined);
      const valuesText = values.length === 0 ? '' : JSON.stringify(values);
      if (Buffer.byteLength(valuesText) > VALUE_BYTES_MAX) {
        failed(
          new Fault(
            'LEDGER_ENTRY_TOO_LARGE',
            `the values of an entry of type \`${body.type}\` are over ${VALUE_BYTES_MAX} bytes`,
          ),
        );
        return;
      }
      this.#queue.push({ entry, text, bytes, holder, valuesText, done, failed });
      void this.#write();
    });
  }

  #complete(body: EntryBody, nowMs: number): Entry {
    if (nowMs !== this.#stamped.ms) this.#stamped = { ms: nowMs, ts: new Date(nowMs).toISOString() };
    return {
      ...body,
      v: 1 as const,
      id: ulid(nowMs),
      ts: this.#stamped.ts,
      ledger: this.options.ledger,
      ten: this.options.tenant,
      prod: { id: this.options.producer, boot: this.boot, s: this.#given + 1 },
    };
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    // Entries that arrive in the same turn of the event loop share the block.
    await Promise.resolve();
    while (this.#queue.length > 0 && this.#dead === undefined) await this.#writeBlock(this.#takeBatch());
    this.#signing = undefined;
    this.#isWriting = false;
  }

  #takeBatch(): readonly Waiting[] {
    let entryBytes = 0;
    let valueBytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      entryBytes += waiting.bytes;
      valueBytes += Buffer.byteLength(waiting.valuesText);
      const isFull = entryBytes > ENTRY_BYTES_PER_BLOCK_MAX || valueBytes > VALUE_BYTES_PER_BLOCK_MAX;
      if (count > 0 && (isFull || count === ENTRIES_PER_BLOCK_MAX)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #writeBlock(batch: readonly Waiting[]): Promise<void> {
    const block = this.#sealed(batch);
    if (block === undefined) return;
    const values = this.#writeValues(block.hash, batch);
    // Values may fail before the block is stored; what came of them is asked for below.
    values.catch(() => undefined);
    try {
      this.after = await this.#appendBlock(block.bytes, block.hash);
    } catch (error) {
      await values.catch(() => undefined);
      this.#fail(batch, error as Fault);
      return;
    }
    this.#n += 1;
    this.#written += batch.length;
    this.prev = block.hash;
    // If the process dies here the entries are on record and their callers were told nothing; nothing was started.
    const fault = await values.then(
      () => undefined,
      (cause: unknown) => new Fault('LEDGER_UNAVAILABLE', 'the values could not be stored', { cause }),
    );
    batch.forEach(({ entry, valuesText, done, failed }, i) => {
      // The block is durable. An entry without values is on record as a whole, whatever became of those of others.
      if (fault !== undefined && valuesText !== '') failed(fault);
      else done({ seq: this.after, i, id: entry.id, entry, leaf: block.leaves[i] as Buffer });
    });
  }

  /** The batch as the next block; undefined, and the writer ended, when no key may sign it. */
  #sealed(batch: readonly Waiting[]) {
    const { ledger, producer, key } = this.options;
    const entries = batch.map(({ text }) => text);
    try {
      const signer = key();
      this.#signing = signer.id;
      return sealBlock({ ledger, producer, boot: this.boot, n: this.#n + 1, prev: this.prev, entries }, signer);
    } catch (error) {
      this.#fail(batch, toFault(error));
      return undefined;
    }
  }

  async #writeValues(block: string, batch: readonly Waiting[]): Promise<void> {
    const entries: EntryValues[] = [];
    for (const { entry, holder, valuesText } of batch) {
      if (valuesText !== '' && holder !== undefined) entries.push({ entry: entry.id, holder, values: valuesText });
    }
    const store = this.options.values;
    if (entries.length === 0 || store === undefined) return;
    const message = await store.sealer.seal(block, entries, this.options.now());
    await store.payloads.append(this.options.producer, message, block);
  }

  /** Stores the block and returns its sequence. An outcome that is not known is read from the log, never guessed. */
  async #appendBlock(bytes: Uint8Array, hash: string): Promise<number> {
    const { blocks, producer, sleep } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await blocks.append(producer, bytes, { id: hash, after: this.after });
      } catch (cause) {
        if (!(cause instanceof AppendError)) throw new Fault('LEDGER_UNAVAILABLE', 'the ledger failed', { cause });
        if (cause.problem === 'full') throw new Fault('LEDGER_FULL', 'the ledger is full', { cause });
        const stored = await this.#storedAs(hash).catch(() => 'unknown' as const);
        if (typeof stored === 'number') return stored;
        if (stored === 'foreign') throw new Fault('LEDGER_FENCED', `another writer owns \`${producer}\``, { cause });
        if (attempt === ATTEMPTS_MAX) throw new Fault('LEDGER_UNAVAILABLE', 'the ledger does not answer', { cause });
        await sleep(100 * Math.min(attempt, 10));
      }
    }
  }

  async #storedAs(hash: string): Promise<number | 'absent' | 'foreign'> {
    const tail = await this.options.blocks.tail(this.options.producer);
    // Only with the beginning of the stream does a last block go, and then nobody wrote behind it: the next one is fenced by that.
    if (tail === undefined) this.after = 0;
    if ((tail?.seq ?? 0) === this.after) return 'absent';
    return tail !== undefined && openBlock(tail.data).hash === hash ? tail.seq : 'foreign';
  }

  #fail(batch: readonly Waiting[], fault: Fault): void {
    for (const waiting of [...batch, ...this.#queue.splice(0)]) waiting.failed(fault);
    if (fault.code === 'LEDGER_FULL') {
      // The stream refused the block for certain, so the chain is intact and a later block may fit again. The numbers of the
      // failed entries are given again: the chain of entries has no hole.
      this.#given = this.#written;
      return;
    }
    this.#dead = fault;
    this.options.onDead?.(fault);
  }
}
