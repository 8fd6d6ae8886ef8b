import { Entry, isEntry, parse, type JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { decodeBase64url, isPastEnd, type Authority, type BlockPlace, type TrustedKey } from '#writ/signing';
import { signedBytes, type Block, type BlockHeader } from './block.js';
import { parseCanonical } from './canonical-text.js';
import { refused } from './refusal.js';

const SIGNATURE_BYTES = 64;

/** An entry whose author is proved and whose bytes are canonical. Its members follow the schema only after `parseEntry`. */
export type AuthenticEntry = JsonObject & { readonly type: string };

export interface VerifiedBlock {
  readonly block: Block;
  readonly key: TrustedKey;
  readonly entries: readonly AuthenticEntry[];
}

/**
 * Proves who wrote a block: the key named in its header is in the bundle, may write for its producer, signed the header, and counts at
 * that place. Returns the key, or throws LEDGER_CORRUPT with `ledger`, `ledger_closed`, `unknown_key`, `not_authorised`, `bad_sig` or `expired_key`.
 */
export function verifyHeader(
  block: BlockHeader & { readonly sig: string },
  authority: Authority,
  place: BlockPlace,
): TrustedKey {
  const name = `block ${block.n} of \`${block.producer}\``;
  if (block.ledger !== authority.ledger) {
    throw authority.isClosed(block.ledger)
      ? refused('ledger_closed', `${name} is for the ledger \`${block.ledger}\`, which ended before this one began`)
      : refused('ledger', `${name} is for another ledger, \`${block.ledger}\``);
  }
  const key = authority.keyOf(block.key);
  if (key === undefined) throw refused('unknown_key', `${name} names a key that is not in the trust bundle`);
  if (!key.producers.has(block.producer))
    throw refused('not_authorised', `${name} names \`${key.name}\`, which may not write for that producer`);
  const signature = decodeBase64url(block.sig, SIGNATURE_BYTES);
  if (signature === undefined || !key.key.verify(signedBytes(block), signature)) {
    throw refused('bad_sig', `the signature of ${name} is not that of \`${key.name}\``);
  }
  if (isPastEnd(key, place)) throw expired(block, key);
  return key;
}

/** The fault of a block whose key was replaced before it. */
export function expired({ n, producer }: BlockHeader, { name }: TrustedKey): Fault {
  return refused(
    'expired_key',
    `block ${n} of \`${producer}\` is signed by a key of \`${name}\` that was revoked before it`,
  );
}

/**
 * Reads entry `index` of a block whose header is verified. Its text must be the one canonical spelling, it must name the block's
 * ledger, producer and boot, and the key's role must allow its type. Throws LEDGER_CORRUPT with `bad_entry` or `not_authorised`.
 */
export function verifyEntry(block: Block, index: number, key: TrustedKey): AuthenticEntry {
  return verifyEntryText(block, block.entries[index] ?? '', index, key);
}

/** The same for the text of an entry whose block is not at hand, only its header. */
export function verifyEntryText(block: BlockHeader, text: string, index: number, key: TrustedKey): AuthenticEntry {
  const name = `entry ${index} of block ${block.n} of \`${block.producer}\``;
  const entry = readCanonical(text, name);
  const producer = entry['prod'];
  const { id, boot } = isObject(producer) ? producer : {};
  if (entry['ledger'] !== block.ledger || id !== block.producer || boot !== block.boot) {
    throw refused('bad_entry', `${name} names another ledger, producer or boot than its block`);
  }
  const type = entry['type'];
  if (typeof type !== 'string') throw refused('bad_entry', `${name} has no type`);
  if (!key.types.has(type))
    throw refused('not_authorised', `${name} is a \`${type}\`, which role \`${key.role}\` may not write`);
  return entry as AuthenticEntry;
}

/** `verifyHeader`, then `verifyEntry` of every entry. The schema is a step of its own: `parseEntry`. */
export function verifyBlock(block: Block, authority: Authority, place: BlockPlace): VerifiedBlock {
  const key = verifyHeader(block, authority, place);
  return { block, key, entries: block.entries.map((_text, index) => verifyEntry(block, index, key)) };
}

/** An authentic entry with its type, or LEDGER_CORRUPT that names the first wrong member. */
export function parseEntry(entry: AuthenticEntry): Entry {
  if (isEntry(entry)) return entry;
  try {
    return parse(Entry, entry, 'LEDGER_CORRUPT');
  } catch (thrown) {
    throw thrown instanceof Fault ? refused('bad_entry', thrown.message) : thrown;
  }
}

function readCanonical(text: string, name: string): JsonObject {
  const value = parseCanonical(text);
  if (!isObject(value)) throw refused('bad_entry', `${name} is not an object in canonical JSON`);
  return value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
