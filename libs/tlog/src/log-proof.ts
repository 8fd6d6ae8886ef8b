import { canonicalJson, type Json } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { cosignedBy, decodeBase64, decodeBase64url, type TrustedKey } from '#writ/signing';
import { ENTRY_BYTES_MAX, isSignature, wrongHeaderField, type BlockHeader } from './block.js';
import { parseCanonical } from './canonical-text.js';
import { openCheckpoint, type Checkpoint } from './checkpoint.js';
import { HASH_BYTES, leafHashOfText } from './hash.js';
import type { Trust } from './log/evidence.js';
import { verifyInclusion } from './proof.js';
import { parseEntry, verifyEntryText, verifyHeader } from './verify-block.js';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
/** An entry in base64 in a JSON string, its header and paths. */
const PROOF_CHARACTERS_MAX = 4 * ENTRY_BYTES_MAX;
const INDEX = /^index (0|[1-9][0-9]{0,15})$/;

/** Everything that shows one entry to be in the log and its author to have signed it. */
export interface LogProof {
  /** Index of the leaf in the log. */
  readonly index: number;
  /** Inclusion proof in the log. */
  readonly path: readonly Buffer[];
  /** The signed note of the head that the proof leads to. */
  readonly checkpoint: string;
  readonly block: BlockProof;
}

/** The part of a proof that shows the author: the entry, and the block that it is in. */
export interface BlockProof {
  readonly entry: string;
  readonly header: BlockHeader;
  readonly sig: string;
  /** Index of the entry in the block, how many entries that has, and the inclusion proof there. */
  readonly i: number;
  readonly count: number;
  readonly path: readonly Buffer[];
}

/** What a verified proof shows. */
export interface ProvedEntry {
  readonly entry: ReturnType<typeof parseEntry>;
  readonly index: number;
  readonly head: Checkpoint;
  /** Witnesses that cosigned the head, and how many must. */
  readonly witnesses: readonly string[];
  readonly quorum: number;
}

/**
 * The text of a C2SP tlog-proof file. `extra` is the base64 of canonical JSON: the entry itself, its block's header and signature,
 * and the inclusion proof in the block, so that the file and a trust bundle are all that its verification needs.
 */
export function formatProof({ index, path, checkpoint, block }: LogProof): string {
  const extra = canonicalJson({
    count: block.count,
    entry: block.entry,
    header: { ...block.header, v: 1 },
    i: block.i,
    path: block.path.map((hash) => hash.toString('base64url')),
    sig: block.sig,
  });
  const hashes = path.map((hash) => `${hash.toString('base64')}\n`).join('');
  return `${FIRST_LINE}\nextra ${Buffer.from(extra).toString('base64')}\nindex ${index}\n${hashes}\n${checkpoint}`;
}

/**
 * Verifies an attacker-controlled proof file: the head is signed by the log, the entry is in the log and in the block, a key that may
 * signed the block, the entry is canonical and follows its schema. Throws LEDGER_CORRUPT that says which of these does not hold.
 */
export function verifyProof(text: string, { authority, witnesses }: Trust): ProvedEntry {
  const proof = parseProof(text);
  const { index, block } = proof;
  const head = openCheckpoint(proof.checkpoint, authority.ledger, authority.logKeys());
  const cosigners = cosignedBy(proof.checkpoint, witnesses.witnesses);
  const leaf = leafHashOfText(block.entry);
  const root = Buffer.from(head.root, 'base64url');
  if (!verifyInclusion({ leaf, index, size: head.size, root }, proof.path))
    throw corrupt(`the entry is not leaf ${index} of the log of ${head.size} entries`);
  const key: TrustedKey = verifyHeader({ ...block.header, sig: block.sig }, authority, {
    end: index - block.i + block.count,
  });
  const inBlock = { leaf, index: block.i, size: block.count, root: Buffer.from(block.header.root, 'base64url') };
  if (!verifyInclusion(inBlock, block.path))
    throw corrupt('the entry is not in the block whose header the proof holds');
  const entry = parseEntry(verifyEntryText(block.header, block.entry, block.i, key));
  return { entry, index, head, witnesses: cosigners.map(({ name }) => name), quorum: witnesses.quorum };
}

function parseProof(text: string): LogProof {
  if (text.length > PROOF_CHARACTERS_MAX || !text.isWellFormed()) throw corrupt('it is too large, or no text');
  const end = text.indexOf('\n\n');
  const [first, extra = '', indexLine = '', ...hashes] = text.slice(0, Math.max(0, end)).split('\n');
  const index = Number(INDEX.exec(indexLine)?.[1]);
  const path = hashes.map((line) => decodeBase64(line, HASH_BYTES));
  if (first !== FIRST_LINE || !Number.isSafeInteger(index))
    throw corrupt(`it is not a \`${FIRST_LINE}\` with an index`);
  const known = path.filter((hash) => hash !== undefined);
  if (known.length !== path.length) throw corrupt('a line of its path is no hash');
  return { index, path: known, block: parseExtra(extra), checkpoint: text.slice(end + 2) };
}

function parseExtra(line: string): BlockProof {
  const bytes = line.startsWith('extra ') ? decodeBase64(line.slice('extra '.length)) : undefined;
  const value = bytes === undefined ? undefined : parseCanonical(bytes.toString('utf8'));
  if (typeof value !== 'object' || value === null) throw corrupt('its `extra` is not canonical JSON in base64');
  const { count, entry, header, i, path, sig, ...unknown } = value as { readonly [member: string]: Json };
  const hashes = Array.isArray(path) ? path.map((hash) => decodeBase64url(String(hash), HASH_BYTES)) : [undefined];
  const known = hashes.filter((hash) => hash !== undefined);
  const isWhole = typeof count === 'number' && typeof i === 'number' && typeof entry === 'string';
  if (Object.keys(unknown).length > 0) throw corrupt('its `extra` has an unknown member');
  if (!isWhole || !entry.isWellFormed() || !isHeader(header) || !isSignature(sig) || known.length !== hashes.length)
    throw corrupt('a member of its `extra` is missing or malformed');
  return { count, entry, header, i, path: known, sig };
}

function isHeader(value: Json | undefined): value is BlockHeader & { readonly [member: string]: Json } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return wrongHeaderField(value as { readonly [member: string]: Json }) === undefined;
}

function corrupt(why: string): Fault {
  return new Fault('LEDGER_CORRUPT', `a proof does not hold: ${why}`);
}
