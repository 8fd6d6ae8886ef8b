import { Fault } from '#writ/faults';
import { decodeBase64, openNote, signNote, type NoteKey, type SigningKey } from '#writ/signing';
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

/** The signed note of a checkpoint. The log key is named as the origin. */
export function signCheckpoint(checkpoint: Checkpoint, logKey: SigningKey): string {
  return signNote(formatCheckpoint(checkpoint), [logKey]);
}

/** Opens an attacker-controlled checkpoint note that one of the log keys must have signed. Throws LEDGER_CORRUPT. */
export function openCheckpoint(note: string, origin: string, logKeys: readonly NoteKey[]): Checkpoint {
  const checkpoint = parseCheckpoint(openNote(note, logKeys).text);
  if (checkpoint.origin !== origin)
    throw new Fault('LEDGER_CORRUPT', `a checkpoint is of another log, \`${checkpoint.origin}\``);
  return checkpoint;
}
