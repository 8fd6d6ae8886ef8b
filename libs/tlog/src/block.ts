import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type { SigningKey } from '#writ/signing';
import { leafHashOfText } from './hash.js';
import { merkleRoot } from './merkle.js';
import { refused } from './refusal.js';

export const BLOCK_BYTES_MAX = 262_144;
export const BLOCK_ENTRIES_MAX = 256;
export const ENTRY_BYTES_MIN = 2;
/** tlog-tiles bundles carry the length of an entry in 16 bits. */
export const ENTRY_BYTES_MAX = 65_535;

/** `prev` of the first block that a producer ever writes in a ledger: 32 zero bytes. */
export const FIRST_PREV = Buffer.alloc(32).toString('base64url');

// Bits that base64url leaves over must be zero, so that each value has one spelling.
const BASE64URL_16 = /^[A-Za-z0-9_-]{21}[AQgw]$/;
const BASE64URL_32 = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const BASE64URL_64 = /^[A-Za-z0-9_-]{85}[AQgw]$/;
const PRODUCER = /^[a-z0-9-]{1,32}$/;
const LEDGER_NAME_MAX = 256;

/** What a producer signs: everything of a block but its entries, to which `root` commits. */
export interface BlockHeader {
  /** Names one start of the producer: 128 random bits in base64url. */
  readonly boot: string;
  /** Id of the key that signs. */
  readonly key: string;
  readonly ledger: string;
  /** Number of the block within the boot, from 1. */
  readonly n: number;
  /** Hash of the producer's block before, of an earlier boot too; `FIRST_PREV` when there is none. */
  readonly prev: string;
  readonly producer: string;
  /** RFC 6962 root over the entries. */
  readonly root: string;
}

/** A well-formed block. Nothing is said about who wrote it until `verifyBlock` has passed. */
export interface Block extends BlockHeader {
  /** Canonical JSON texts; the UTF-8 bytes of each are a leaf. */
  readonly entries: readonly string[];
  readonly sig: string;
  /** SHA-256 of the signed bytes, in base64url. */
  readonly hash: string;
  /** Leaf hashes of the entries. */
  readonly leaves: readonly Buffer[];
}

export interface SealedBlock {
  /** The message to publish. */
  readonly bytes: Buffer;
  /** What the producer's next block carries as `prev`. */
  readonly hash: string;
  readonly root: string;
  /** Leaf hashes of the entries. */
  readonly leaves: readonly Buffer[];
}

/** The bytes that a producer signs: a domain line and the canonical header. */
export function signedBytes(header: BlockHeader): Buffer {
  const { boot, key, ledger, n, prev, producer, root } = header;
  return Buffer.from(`writ-block/v1\n${JSON.stringify({ boot, key, ledger, n, prev, producer, root, v: 1 })}`);
}

/**
 * Builds and signs a block of 1 to 256 canonical entries. The caller holds the limits: entries of 2 to 65,535 bytes, and a block
 * of at most 262,144 bytes; breaking one is a bug of the caller and throws RangeError.
 */
export function sealBlock(
  draft: Omit<BlockHeader, 'key' | 'root'> & { readonly entries: readonly string[] },
  key: SigningKey,
): SealedBlock {
  const wrong = wrongEntry(draft.entries);
  if (wrong !== undefined) throw new RangeError(wrong);
  const leaves = draft.entries.map(leafHashOfText);
  const root = merkleRoot(leaves).toString('base64url');
  const { boot, ledger, n, prev, producer, entries } = draft;
  const header: BlockHeader = { boot, key: key.id, ledger, n, prev, producer, root };
  const signed = signedBytes(header);
  const bytes = Buffer.from(formatBlock({ ...header, entries, sig: key.sign(signed).toString('base64url') }));
  if (bytes.length > BLOCK_BYTES_MAX)
    throw new RangeError(`a block has ${bytes.length} bytes; the limit is ${BLOCK_BYTES_MAX}`);
  return { bytes, hash: hash('sha256', signed, 'base64url'), root, leaves };
}

/**
 * Reads an attacker-controlled message as a block: size, UTF-8, exact members and types, canonical bytes, entry sizes, root.
 * Throws LEDGER_CORRUPT with the refusal `malformed`, `entry_size` or `bad_root`.
 */
export function openBlock(bytes: Uint8Array): Block {
  if (bytes.length > BLOCK_BYTES_MAX)
    throw refused('malformed', `a block has ${bytes.length} bytes; the limit is ${BLOCK_BYTES_MAX}`);
  if (!isUtf8(bytes)) throw refused('malformed', 'a block is not well-formed UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const fields = readFields(text);
  // Two parsers that disagree, on duplicate keys for example, would build two trees: only the one canonical spelling is a block.
  if (formatBlock(fields) !== text)
    throw refused('malformed', 'a block is not in canonical form, or has an unknown member');
  const wrong = wrongEntry(fields.entries);
  if (wrong !== undefined) throw refused('entry_size', wrong);
  const leaves = fields.entries.map(leafHashOfText);
  if (merkleRoot(leaves).toString('base64url') !== fields.root) {
    throw refused(
      'bad_root',
      `the entries of block ${fields.n} of \`${fields.producer}\` are not those that its header commits to`,
    );
  }
  return { ...fields, leaves, hash: hash('sha256', signedBytes(fields), 'base64url') };
}

type Fields = Omit<Block, 'hash' | 'leaves'>;

/** Canonical JSON of a block, the text of its message. The members stand in sorted order here, and all strings are well formed. */
export function formatBlock({ boot, entries, key, ledger, n, prev, producer, root, sig }: Fields): string {
  return JSON.stringify({ boot, entries, key, ledger, n, prev, producer, root, sig, v: 1 });
}

function readFields(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused('malformed', 'a block is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw refused('malformed', 'a block is not an object');
  const fields = value as Partial<Record<keyof Fields | 'v', unknown>>;
  const wrong = wrongField(fields);
  if (wrong !== undefined) throw refused('malformed', `\`${wrong}\` of a block is missing or malformed`);
  return fields as Fields;
}

function wrongField(fields: Partial<Record<keyof Fields | 'v', unknown>>): keyof Fields | 'v' | undefined {
  const wrong = wrongHeaderField(fields);
  if (wrong !== undefined) return wrong;
  const { entries, sig } = fields;
  if (!isSignature(sig)) return 'sig';
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > BLOCK_ENTRIES_MAX) return 'entries';
  return entries.every((entry) => typeof entry === 'string' && entry.isWellFormed()) ? undefined : 'entries';
}

/** The member of an attacker-controlled block header that is missing or malformed; undefined when each is as it must be. */
export function wrongHeaderField(
  fields: Partial<Record<keyof BlockHeader | 'v', unknown>>,
): keyof BlockHeader | 'v' | undefined {
  const { boot, key, ledger, n, prev, producer, root, v } = fields;
  if (v !== 1) return 'v';
  if (!matches(boot, BASE64URL_16)) return 'boot';
  if (!matches(key, BASE64URL_16)) return 'key';
  if (typeof ledger !== 'string' || ledger.length > LEDGER_NAME_MAX || !ledger.isWellFormed()) return 'ledger';
  if (!Number.isSafeInteger(n) || (n as number) < 1) return 'n';
  if (!matches(prev, BASE64URL_32)) return 'prev';
  if (!matches(producer, PRODUCER)) return 'producer';
  return matches(root, BASE64URL_32) ? undefined : 'root';
}

/** Whether a value is a signature as blocks spell it: 64 bytes in base64url, one spelling. */
export function isSignature(value: unknown): value is string {
  return matches(value, BASE64URL_64);
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

/** What is wrong with the number or the sizes of the entries, as a sentence. */
function wrongEntry(entries: readonly string[]): string | undefined {
  if (entries.length < 1 || entries.length > BLOCK_ENTRIES_MAX)
    return `a block has ${entries.length} entries; 1 to ${BLOCK_ENTRIES_MAX} are allowed`;
  const index = entries.findIndex((entry) => {
    const bytes = Buffer.byteLength(entry);
    return bytes < ENTRY_BYTES_MIN || bytes > ENTRY_BYTES_MAX || !entry.isWellFormed();
  });
  return index < 0
    ? undefined
    : `entry ${index} of a block is malformed or has not ${ENTRY_BYTES_MIN} to ${ENTRY_BYTES_MAX} bytes`;
}
