import { hash } from 'node:crypto';
import { Fault } from '#writ/faults';
import { decodeBase64 } from './base64.js';
import { isKeyName, VerifyKey } from './key.js';

const NOTE_KEY_ID_BYTES = 4;
const KEY_BYTES = 32;

/** The signature types of C2SP signed notes that Writ makes and checks; lines of other types are of unknown keys to it. */
const TYPE_BYTES = { ed25519: 0x01, 'cosignature/v1': 0x04 } as const;
type NoteKeyType = keyof typeof TYPE_BYTES;

/** A named public key that may stand under a note. */
export interface NoteKey {
  readonly name: string;
  readonly key: VerifyKey;
  /** What its signatures say. Absent: `ed25519`, which signs the text alone; a `cosignature/v1` signs a time with it. */
  readonly type?: NoteKeyType;
}

/** The public key of a witness: it makes cosignatures and nothing else. */
export type WitnessKey = NoteKey & { readonly type: 'cosignature/v1' };

/** The vkey text of a key, `name+hex(key id)+base64(type, key)`, as C2SP defines it: what a verifier pins. */
export function formatVkey(noteKey: NoteKey): string {
  return `${noteKey.name}+${noteKeyId(noteKey).toString('hex')}+${typed(noteKey).toString('base64')}`;
}

/** Reads the vkey of a key that signs texts, such as a log or a root. Throws CONFIG_KEY, also for that of a witness. */
export function parseVkey(vkey: string): NoteKey {
  return { ...parseTyped(vkey, 'ed25519'), type: 'ed25519' };
}

/** Reads the vkey of a witness. Throws CONFIG_KEY, also for that of a key which signs texts. */
export function parseWitnessVkey(vkey: string): WitnessKey {
  return { ...parseTyped(vkey, 'cosignature/v1'), type: 'cosignature/v1' };
}

/** The four bytes that name a key in a signature line. They are no proof of anything: the signature is. */
export function noteKeyId(noteKey: NoteKey): Buffer {
  const named = Buffer.concat([Buffer.from(`${noteKey.name}\n`), typed(noteKey)]);
  return hash('sha256', named, 'buffer').subarray(0, NOTE_KEY_ID_BYTES);
}

/** One signature line as C2SP writes it, without its line end: the key id and the bytes that its type asks for. */
export function signatureLine(noteKey: NoteKey, signature: Uint8Array): string {
  return `\u2014 ${noteKey.name} ${Buffer.concat([noteKeyId(noteKey), signature]).toString('base64')}`;
}

/** The name, key id and signature bytes of an attacker-controlled signature line; undefined when it is none. */
export function parseSignatureLine(
  line: string,
): { readonly name: string; readonly id: Buffer; readonly signature: Buffer } | undefined {
  const [, name = '', encoded = ''] = /^\u2014 (\S+) (\S+)$/u.exec(line) ?? [];
  const bytes = decodeBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= NOTE_KEY_ID_BYTES) return undefined;
  return { name, id: bytes.subarray(0, NOTE_KEY_ID_BYTES), signature: bytes.subarray(NOTE_KEY_ID_BYTES) };
}

function parseTyped(vkey: string, type: NoteKeyType): NoteKey {
  const [name = '', id = '', encoded = ''] = splitVkey(vkey.trim());
  const bytes = decodeBase64(encoded, 1 + KEY_BYTES);
  if (!isKeyName(name) || bytes === undefined || bytes[0] !== TYPE_BYTES[type]) {
    const what = type === 'ed25519' ? 'an Ed25519 key' : 'the Ed25519 key of a witness (type 4)';
    throw new Fault('CONFIG_KEY', `a vkey is not \`NAME+ID+KEY\` with ${what}`);
  }
  const noteKey = { name, key: new VerifyKey(bytes.subarray(1)), type };
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

function typed({ key, type = 'ed25519' }: NoteKey): Buffer {
  return Buffer.concat([Buffer.from([TYPE_BYTES[type]]), key.raw]);
}
