import type { EntryBody } from '#writ/contracts';
import type { Integrated, LogPlace } from '#writ/tlog';

/** A tree that was signed, or is about to be: number of leaves, root in base64url. */
export interface Head {
  readonly size: number;
  readonly root: string;
}

/** A checkpoint that others can see, with the signatures that it has. */
export interface Shown {
  readonly note: string;
  readonly head: Head;
}

/** The last message that is in the tree: its sequence, 0 before the first, and its digest. */
export interface Taken {
  readonly seq: number;
  readonly last: string | undefined;
}

/** The log as files: tiles, entry bundles, block index, checkpoints. */
export interface LogStore {
  /**
   * Makes the leaves and the lines of these messages durable, which come after `before`. After a crash they may come again, others
   * with them. Throws LEDGER_LOG_UNWRITABLE.
   */
  write(before: LogPlace, messages: readonly Integrated[]): Promise<void>;
  /** Root of the first `size` leaves of the tree of `treeSize`, from the tiles alone; undefined when they do not hold so many. */
  rootAt(size: number, treeSize?: number): Promise<string | undefined>;
  /** The checkpoint that was published last, as a note. */
  checkpoint(): Promise<string | undefined>;
  /** Shows a signed checkpoint to the world. Throws LEDGER_LOG_UNWRITABLE. */
  publish(note: string, size: number): Promise<void>;
  /** Keeps a signed checkpoint that is not the newest any more. Throws LEDGER_LOG_UNWRITABLE. */
  keep(note: string, size: number): Promise<void>;
}

/** Adds the cosignatures of witnesses to a signed checkpoint, those that come in time. Throws LEDGER_INTEGRITY on proof of two histories. */
export type Cosign = (note: string, head: Head) => Promise<string>;

/**
 * Has the checkpoint that is shown offered again to witnesses that missed it, and returns at once, with what came of earlier offers
 * since the last call. Throws LEDGER_INTEGRITY on proof of two histories.
 */
export type Late = (shown: Shown) => Shown | undefined;

/** Lets entries up to that head be handed on to those who export them. Returns at once. */
export type Feed = (head: Head) => void;

/** Writes an entry of the sealer's own. */
export type Append = (body: EntryBody) => Promise<unknown>;
