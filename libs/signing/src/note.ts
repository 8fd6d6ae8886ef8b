import { Fault } from '#writ/faults';
import { type Cosignature, verifyCosignature } from './cosignature.js';
import type { SigningKey } from './key.js';
import { noteKeyId, parseSignatureLine, signatureLine, type NoteKey } from './note-key.js';

const NOTE_BYTES_MAX = 4 * 1024 * 1024;
const SIGNATURES_MAX = 100;

/** A signature of a known key, which verifies. */
export interface NoteSignature {
  readonly signer: NoteKey;
  /** The line as it stands in the note, without its line end. */
  readonly line: string;
  /** When a witness signed, in seconds since 1970. A signature that is no cosignature has no time. */
  readonly time?: number;
}

export interface OpenedNote {
  /** The signed text, with its last line end. */
  readonly text: string;
  /** The known keys whose signatures stand under the text; never empty. */
  readonly signers: readonly NoteKey[];
  /** Their signatures, in the order of the note. One key may have signed more than once. */
  readonly signatures: readonly NoteSignature[];
}

/** Signs a text as a C2SP signed note (signed-note 1.0.0). The text ends with a line end and has no other control character. */
export function signNote(text: string, signers: readonly SigningKey[]): string {
  if (!isNoteText(text))
    throw new TypeError('the text of a note ends with a line end and has no other control character');
  const bytes = Buffer.from(text);
  const lines = signers.map((signer) => {
    return `${signatureLine({ name: signer.name, key: signer.verifyKey }, signer.sign(bytes))}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * Opens an attacker-controlled note. Signatures by unknown keys are ignored, never trusted; one signature by a known key that
 * does not verify rejects the whole note, whatever type the key has; at least one known key must have signed. Throws
 * LEDGER_CORRUPT. Who must have signed is the caller's to say: a witness among the known keys is enough to open a note.
 */
export function openNote(note: string, known: readonly NoteKey[]): OpenedNote {
  const { text, signatures } = readSignatures(note, known);
  if (signatures.length === 0) throw corrupt('no known key signed it');
  return { text, signers: [...new Set(signatures.map(({ signer }) => signer))], signatures };
}

/** As `openNote`, but a note that no known key signed has no signatures, and is no error. Its text is to be believed by nobody. */
export function readSignatures(note: string, known: readonly NoteKey[]): Pick<OpenedNote, 'text' | 'signatures'> {
  const { text, lines } = splitNote(note);
  return { text, signatures: lines.flatMap((line) => signatureOf(line, text, known) ?? []) };
}

/**
 * The text and the signature lines of an attacker-controlled note, checked in form alone: nothing in it is to be believed until
 * `openNote` has opened it. Throws LEDGER_CORRUPT.
 */
export function splitNote(note: string): { readonly text: string; readonly lines: readonly string[] } {
  if (note.length > NOTE_BYTES_MAX) throw corrupt('it is too large');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.isWellFormed()) throw corrupt('it has no signatures');
  const text = note.slice(0, split + 1);
  const block = note.slice(split + 2);
  if (!isNoteText(text) || !block.endsWith('\n')) throw corrupt('it is malformed');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw corrupt('it has too many signatures');
  return { text, lines };
}

/** The signature in a line of a known key; undefined when the key is unknown; throws when the signature is not good. */
function signatureOf(line: string, text: string, known: readonly NoteKey[]): NoteSignature | undefined {
  const parsed = parseSignatureLine(line);
  if (parsed === undefined) throw corrupt('a signature line is malformed');
  const { name, id, signature } = parsed;
  const signer = known.find((candidate) => candidate.name === name && noteKeyId(candidate).equals(id));
  if (signer === undefined) return undefined;
  const verified = verifyUnder(signer, text, signature);
  if (verified === undefined) throw corrupt(`the signature of \`${name}\` does not verify`);
  return { signer, line, ...verified };
}

/** Each type signs other bytes, so that a signature of one is never one of another. */
function verifyUnder(signer: NoteKey, text: string, signature: Buffer): Partial<Cosignature> | undefined {
  switch (signer.type ?? 'ed25519') {
    case 'ed25519':
      return signer.key.verify(Buffer.from(text), signature) ? {} : undefined;
    case 'cosignature/v1':
      return verifyCosignature(signer.key, text, signature);
  }
}

/** The line end is the only control character that a note may have. */
function isNoteText(text: string): boolean {
  return text.endsWith('\n') && text.isWellFormed() && !/\p{Cc}/u.test(text.replaceAll('\n', ''));
}

function corrupt(why: string): Fault {
  return new Fault('LEDGER_CORRUPT', `a signed note cannot be trusted: ${why}`);
}
