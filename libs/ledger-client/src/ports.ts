/** One message of the LEDGER stream. */
export interface LedgerMessage {
  readonly seq: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

/** What came of an append that did not simply succeed. */
export type AppendProblem = 'stale' | 'full' | 'unknown';

/** Thrown by `BlockLog.append` and `PayloadLog.append`; `unknown` means that the message may or may not be stored. */
export class AppendError extends Error {
  override readonly name = 'AppendError';

  constructor(
    readonly problem: AppendProblem,
    options?: { readonly cause?: unknown },
  ) {
    super(`the append failed: ${problem}`, options);
  }
}

/** The LEDGER stream as a writer and a reader need it. */
export interface BlockLog {
  /** The producer's last message, or undefined when it has none. */
  tail(producer: string): Promise<LedgerMessage | undefined>;
  /** Stores the block if the producer's last message has sequence `after` (0: none). Durable when it resolves. Throws AppendError. */
  append(
    producer: string,
    block: Uint8Array,
    options: { readonly id: string; readonly after: number },
  ): Promise<number>;
  message(seq: number): Promise<LedgerMessage | undefined>;
  /**
   * Messages from `fromSeq` on, or from the first that was not removed, in order, of that producer alone when one is named;
   * `isUpToDate` when there are no more for now.
   */
  read(
    fromSeq: number,
    producer?: string,
  ): Promise<{ readonly messages: readonly LedgerMessage[]; readonly isUpToDate: boolean }>;
}

/** The payload streams: encrypted values and the wrapped keys that open them. */
export interface PayloadLog {
  append(producer: string, message: Uint8Array, id: string): Promise<void>;
  appendKey(keyName: string, message: Uint8Array): Promise<void>;
  key(keyName: string): Promise<Uint8Array | undefined>;
  /** The producer's payload messages from `sinceMs` (Unix ms) on, in order; of those stored after `untilMs` none. */
  since(producer: string, sinceMs: number, untilMs?: number): AsyncIterable<Uint8Array>;
}

/** A data key as it is stored. */
export interface StoredKey {
  readonly seq: number;
  /** Its subject: `payloadkey.<tenant>.<holder>.<day>-<random>.<producer>`. */
  readonly name: string;
  /** Wrapped by a tenant key. */
  readonly data: Uint8Array;
  /** Unix ms. */
  readonly storedMs: number;
}

/** The wrapped data keys, for who may destroy them. */
export interface KeyLog {
  /** The keys of a holder, the pseudonym of a subject or an agent, in the order in which they were stored; of `*` all. */
  keys(holder: string): AsyncIterable<StoredKey>;
  /** Stores a key under its name, behind what is there of it. */
  add(name: string, wrapped: Uint8Array): Promise<void>;
  /** Destroys one; its bytes on the disk are overwritten. One that is gone is fine. */
  erase(seq: number): Promise<void>;
}
