import { isUtf8 } from 'node:buffer';
import { decodeBase64url } from '#writ/signing';
import type { LedgerMessage } from '#writ/tlog';

/** Names inside an export. `README_TEXT` tells a reader without Writ what they are. */
export const EXPORT_FILES = {
  blocks: 'blocks',
  hashes: 'hashes',
  checkpoint: 'checkpoint',
  bundle: 'bundle',
  rootVkey: 'root.vkey',
  readme: 'README.txt',
} as const;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const BASE64_MARK = 0x21;
const LINE_HEAD = /^([1-9][0-9]{0,15}) (\S{1,255}) $/;
const HASHES_LINE = /^([1-9][0-9]{0,15}) ([A-Za-z0-9_-]+|-)$/;
const HASH_BYTES = 32;

/** Name of the chunk file with this number. */
export function chunkName(number: number): string {
  return `${String(number).padStart(8, '0')}.txt`;
}

/** One line of a blocks file: sequence, subject, and the raw message, or `!` and its base64url when a line cannot hold it. */
export function formatMessageLine({ seq, subject, data }: LedgerMessage): Buffer {
  const isPlain = isLineOfText(data) && data[0] !== BASE64_MARK;
  const body = isPlain ? data : Buffer.from(`!${Buffer.from(data).toString('base64url')}`);
  return Buffer.concat([Buffer.from(`${seq} ${subject} `), body, Buffer.of(NEWLINE)]);
}

/** Reads a line, without its line end, of an attacker-controlled blocks file; undefined when it is not one. */
export function parseMessageLine(line: Buffer): LedgerMessage | undefined {
  const bodyAt = line.indexOf(SPACE, line.indexOf(SPACE) + 1) + 1;
  const [, seq, subject] = LINE_HEAD.exec(line.subarray(0, bodyAt).toString('utf8')) ?? [];
  if (seq === undefined || subject === undefined || !Number.isSafeInteger(Number(seq))) return undefined;
  const body = line.subarray(bodyAt);
  const data = body[0] === BASE64_MARK ? decodeBase64url(body.subarray(1).toString('latin1')) : body;
  return data === undefined ? undefined : { seq: Number(seq), subject, data };
}

/** One line of a hashes file: the leaf hashes of a block; `-` for a message that is no block. */
export function formatHashesLine(seq: number, hashes: readonly Buffer[] | undefined): Buffer {
  return Buffer.from(`${seq} ${hashes === undefined ? '-' : Buffer.concat(hashes).toString('base64url')}\n`);
}

/** Reads a line, without its line end, of an attacker-controlled hashes file; undefined when it is not one. */
export function parseHashesLine(line: Buffer): { seq: number; hashes: readonly Buffer[] | undefined } | undefined {
  const [, seq, encoded] = HASHES_LINE.exec(line.toString('latin1')) ?? [];
  if (seq === undefined || encoded === undefined) return undefined;
  if (encoded === '-') return { seq: Number(seq), hashes: undefined };
  const bytes = decodeBase64url(encoded);
  if (bytes === undefined || bytes.length % HASH_BYTES !== 0) return undefined;
  const count = bytes.length / HASH_BYTES;
  return {
    seq: Number(seq),
    hashes: Array.from({ length: count }, (_, index) => bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)),
  };
}

/** The lines of a file without their line ends. `isWhole`: the file does not end inside a line; such a line is given too. */
export function linesOf(file: Buffer): { readonly lines: readonly Buffer[]; readonly isWhole: boolean } {
  const lines: Buffer[] = [];
  for (let start = 0; start < file.length;) {
    const newline = file.indexOf(NEWLINE, start);
    const end = newline < 0 ? file.length : newline;
    lines.push(file.subarray(start, end));
    start = end + 1;
  }
  return { lines, isWhole: file.length === 0 || file.at(-1) === NEWLINE };
}

function isLineOfText(data: Uint8Array): boolean {
  return isUtf8(data) && !data.includes(NEWLINE) && !data.includes(CARRIAGE_RETURN);
}

export const README_TEXT = `This directory is an export of a Writ ledger: what agents asked for, what was decided and by which policy,
and what came of it. It holds commitments, never arguments or results.

  blocks/*.txt   one line for each message of the ledger, in order: SEQUENCE SUBJECT BLOCK
                 A block is canonical JSON (RFC 8785), signed with Ed25519 by its producer over "writ-block/v1", a line
                 end and the block without "entries" and "sig". "root" is the RFC 6962 root over the UTF-8 bytes of its
                 entries. A message that is no line of text stands as "!" and its base64url.
  hashes/*.txt   the leaf hashes of each message, to name a damaged entry: SEQUENCE HASHES
  checkpoint     the signed head (C2SP tlog-checkpoint): number of leaves and RFC 6962 root over all of them. A message
                 that is no good block stands in the tree as one leaf.
  bundle         who may write what: a C2SP signed note by the root key
  root.vkey      the root key as the exporter knew it. Compare it with the one that you were given.

To verify, offline:

  writ ledger verify DIR --root VKEY [--head EARLIER_CHECKPOINT]

Exit code: 10 valid but not witnessed, 20 incomplete or stale, 30 two histories, 40 invalid. Keep the checkpoint:
given to a later verification, it shows whether the end of the ledger was cut, or its past replaced.
`;
