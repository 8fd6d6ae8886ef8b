import { Fault } from '#writ/faults';
import { decodeBase64, openNote, signNote, type LogKey, type SigningKey } from '#writ/signing';
import { HASH_BYTES } from './hash.js';

/** The head of a log: how many leaves it has, and their root in base64url. */
export interface TreeHead {
  readonly size: number;
  readonly root: string;
}

export interface Checkpoint extends TreeHead {
  /** Name of the log. */
  readonly origin: string;
}

/** The text of a C2SP checkpoint (tlog-checkpoint 1.0.0) without extension lines. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(root, 'base64url').toString('base64')}\n`;
}

/** Reads the text of a checkpoint. Extension lines are ignored, as the specification asks. Throws LEDGER_CORRUPT. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', encoded = '', ...rest] = text.split('\n');
  const root = decodeBase64(encoded, HASH_BYTES);
  const isSize = /^(0|[1-9][0-9]{0,15})$/.test(size) && Number.isSafeInteger(Number(size));
  if (origin === '' || !isSize || root === undefined || rest.at(-1) !== '') {
    throw new Fault('LEDGER_CORRUPT', 'a checkpoint is not `ORIGIN`, `SIZE` and `ROOT` on a line each');
  }
  return { origin, size: Number(size), root: root.toString('base64url') };
}

/** The signed note of a checkpoint. Log keys are named as the origin; while one takes the place of another both sign. */
export function signCheckpoint(checkpoint: Checkpoint, ...logKeys: readonly SigningKey[]): string {
  return signNote(formatCheckpoint(checkpoint), logKeys);
}

/** What `openCheckpoint` gives as the cause when a log key signed a tree of another size than the bundle lets it. */
export const EXPIRED_LOG_KEY = 'expired_log_key';

/**
 * Opens an attacker-controlled checkpoint note that one of the log keys must have signed which may sign a tree of that size: the
 * signature of a key that was replaced, or is not yet in force, counts for nothing. Throws LEDGER_CORRUPT.
 */
export function openCheckpoint(note: string, origin: string, logKeys: readonly LogKey[]): Checkpoint {
  const { text, signers } = openNote(note, logKeys);
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== origin)
    throw new Fault('LEDGER_CORRUPT', `a checkpoint is of another log, \`${checkpoint.origin}\``);
  if (!logKeys.some((key) => signers.includes(key) && isInRange(key, checkpoint.size))) {
    const message = `a checkpoint of ${checkpoint.size} entries is signed by a log key that may not sign that size: it was replaced`;
    throw new Fault('LEDGER_CORRUPT', message, { cause: EXPIRED_LOG_KEY });
  }
  return checkpoint;
}

/** Whether a key of a log may sign a tree of that size. */
export function isInRange({ sizes }: LogKey, size: number): boolean {
  return sizes === undefined || (size >= sizes.from && size <= sizes.until);
}
