import type { EntryBody } from '#writ/contracts';
import type { ReplayRequest } from '#writ/deployment';
import type { SiemRecord } from '#writ/siem';

/**
 * What came of a batch. `acknowledged`: the receiver has all of it, as it says itself. `again`: nothing is certain, send the same once more.
 * `refused`: the receiver says for good that it will not take something in it.
 */
export type Delivery =
  | { readonly status: 'acknowledged' }
  | { readonly status: 'again'; readonly why: string; readonly afterMs?: number | undefined }
  | { readonly status: 'refused'; readonly why: string; readonly code: string };

/** A receiver of records. It takes one batch at a time, in order; whatever it throws counts as `again`. */
export interface Sink {
  send(records: readonly SiemRecord[]): Promise<Delivery>;
  close(): Promise<void>;
}

/** A sealed message in its turn. */
export interface FeedMessage {
  readonly data: Uint8Array;
  readonly sealedMs: number;
  /** Tells the stream that the sink has it. Never throws: a lost acknowledgement brings the message again, and then it is known. */
  done(): Promise<void>;
}

/** Sealed messages in stream order, each once while this process lives. */
export interface Feed {
  /** At least one message, unless none comes in time; at most `bytesMax` of them together, or one alone. */
  take(bytesMax: number, waitMs: number): Promise<readonly FeedMessage[]>;
}

/** How far a sink is: what survives a restart. */
export interface SinkState {
  readonly logName: string;
  /** Leaf index of the first entry that the sink has not taken. */
  readonly next: number;
  /** Number of the next record of a filtered sink. */
  readonly xseq: number;
  /** The last checkpoint that was seen. */
  readonly size: number;
  readonly root: string;
}

export interface StateStore {
  readonly current: SinkState | undefined;
  /** Durable when it resolves. */
  save(state: SinkState): Promise<void>;
}

/** Writes an entry of the exporter; resolves when it is on record, however long that takes. */
export type Journal = (body: EntryBody) => Promise<void>;

/** Where a record goes that its sink refused for good. Durable when it resolves. */
export type DeadLetters = (record: SiemRecord, code: string) => Promise<void>;

/** What a sink is asked to get once more, and the log that has it. */
export interface Replays {
  asked(): Promise<ReplayRequest | undefined>;
  /** Durable when it resolves. */
  save(request: ReplayRequest): Promise<void>;
  finish(): Promise<void>;
  /** Exact texts of the leaves `[from, to)` of a ledger, each under a checkpoint that its log signed. Rejects when there are none such. */
  leaves(ledger: string, from: number, to: number): Promise<readonly string[]>;
}

/** Tests that somebody asks for. */
export interface Tests {
  /** The id of the one that is asked for. */
  asked(): Promise<string | undefined>;
  /** Says what came of it; then it is not asked for any more. */
  answer(id: string, delivery: Delivery): Promise<void>;
}

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
