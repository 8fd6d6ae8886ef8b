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
  /** Messages from `fromSeq` on, in order; `isUpToDate` when there are no more for now. */
  read(fromSeq: number): Promise<{ readonly messages: readonly LedgerMessage[]; readonly isUpToDate: boolean }>;
}

/** The payload streams: encrypted values and the wrapped keys that open them. */
export interface PayloadLog {
  append(producer: string, message: Uint8Array, id: string): Promise<void>;
  appendKey(keyName: string, message: Uint8Array): Promise<void>;
  key(keyName: string): Promise<Uint8Array | undefined>;
  /** The producer's payload messages from `sinceMs` (Unix ms) on, in order. */
  since(producer: string, sinceMs: number): AsyncIterable<Uint8Array>;
}
