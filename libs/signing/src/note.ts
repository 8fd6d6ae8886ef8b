import { hash } from 'node:crypto';
import { Fault } from '#writ/faults';
import { decodeBase64 } from './base64.js';
import { isKeyName, VerifyKey, type SigningKey } from './key.js';

/** Signature types of C2SP signed notes. Writ signs and checks plain Ed25519; other lines are unknown keys to it. */
const TYPE_ED25519 = 0x01;
const NOTE_KEY_ID_BYTES = 4;
const NOTE_BYTES_MAX = 4 * 1024 * 1024;
const SIGNATURES_MAX = 100;
const SIGNATURE_LINE = /^\u2014 (\S+) (\S+)$/u;

/** A named public key that may stand under a note. */
export interface NoteKey {
  readonly name: string;
  readonly key: VerifyKey;
}

export interface OpenedNote {
  /** The signed text, with its last line end. */
  readonly text: string;
  /** The known keys whose signatures stand under the text; never empty. */
  readonly signers: readonly NoteKey[];
}

/** Signs a text as a C2SP signed note (signed-note 1.0.0). The text ends with a line end and has no other control character. */
export function signNote(text: string, signers: readonly SigningKey[]): string {
  if (!isNoteText(text))
    throw new TypeError('the text of a note ends with a line end and has no other control character');
  const bytes = Buffer.from(text);
  const lines = signers.map((signer) => {
    const signature = Buffer.concat([noteKeyId({ name: signer.name, key: signer.verifyKey }), signer.sign(bytes)]);
    return `\u2014 ${signer.name} ${signature.toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * Opens an attacker-controlled note. Signatures by unknown keys are ignored, never trusted; one signature by a known key that
 * does not verify rejects the whole note; at least one known key must have signed. Throws LEDGER_CORRUPT.
 */
export function openNote(note: string, known: readonly NoteKey[]): OpenedNote {
  if (note.length > NOTE_BYTES_MAX) throw corrupt('it is too large');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.isWellFormed()) throw corrupt('it has no signatures');
  const text = note.slice(0, split + 1);
  const block = note.slice(split + 2);
  if (!isNoteText(text) || !block.endsWith('\n')) throw corrupt('it is malformed');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw corrupt('it has too many signatures');
  const signers = new Set<NoteKey>();
  for (const line of lines) {
    const signer = signerOf(line, text, known);
    if (signer !== undefined) signers.add(signer);
  }
  if (signers.size === 0) throw corrupt('no known key signed it');
  return { text, signers: [...signers] };
}

/** The known key that made a signature line; undefined when the key is unknown; throws when the signature is not good. */
function signerOf(line: string, text: string, known: readonly NoteKey[]): NoteKey | undefined {
  const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = decodeBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= NOTE_KEY_ID_BYTES)
    throw corrupt('a signature line is malformed');
  const id = bytes.subarray(0, NOTE_KEY_ID_BYTES);
  const signer = known.find((candidate) => candidate.name === name && noteKeyId(candidate).equals(id));
  if (signer === undefined) return undefined;
  if (!signer.key.verify(Buffer.from(text), bytes.subarray(NOTE_KEY_ID_BYTES))) {
    throw corrupt(`the signature of \`${name}\` does not verify`);
  }
  return signer;
}

/** The vkey text of a key, `name+hex(key id)+base64(type, key)`, as C2SP defines it: what a verifier pins. */
export function formatVkey({ name, key }: NoteKey): string {
  return `${name}+${noteKeyId({ name, key }).toString('hex')}+${typed(key).toString('base64')}`;
}

/** Reads a vkey, or throws CONFIG_KEY. */
export function parseVkey(vkey: string): NoteKey {
  const [name = '', id = '', encoded = ''] = splitVkey(vkey.trim());
  const bytes = decodeBase64(encoded, 33);
  if (!isKeyName(name) || bytes === undefined || bytes[0] !== TYPE_ED25519) {
    throw new Fault('CONFIG_KEY', 'a vkey is not `NAME+ID+KEY` with an Ed25519 key');
  }
  const noteKey = { name, key: new VerifyKey(bytes.subarray(1)) };
  if (noteKeyId(noteKey).toString('hex') !== id)
    throw new Fault('CONFIG_KEY', `the id in the vkey of \`${name}\` is not that of its key`);
  return noteKey;
}

/** Base64 has plus signs too, so only the first two separate. */
function splitVkey(vkey: string): string[] {
  const first = vkey.indexOf('+');
  const second = vkey.indexOf('+', first + 1);
  return first < 0 || second < 0 ? [] : [vkey.slice(0, first), vkey.slice(first + 1, second), vkey.slice(second + 1)];
}

function noteKeyId({ name, key }: NoteKey): Buffer {
  const named = Buffer.concat([Buffer.from(`${name}\n`), typed(key)]);
  return hash('sha256', named, 'buffer').subarray(0, NOTE_KEY_ID_BYTES);
}

function typed(key: VerifyKey): Buffer {
  return Buffer.concat([Buffer.from([TYPE_ED25519]), key.raw]);
}

/** The line end is the only control character that a note may have. */
function isNoteText(text: string): boolean {
  return text.endsWith('\n') && text.isWellFormed() && !/\p{Cc}/u.test(text.replaceAll('\n', ''));
}

function corrupt(why: string): Fault {
  return new Fault('LEDGER_CORRUPT', `a signed note cannot be trusted: ${why}`);
}
