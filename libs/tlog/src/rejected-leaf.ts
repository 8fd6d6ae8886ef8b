import { canonicalJson, type Json } from '#writ/contracts';
import { parseCanonical } from './canonical-text.js';
import { HASH_BYTES, sha256 } from './hash.js';
import type { LedgerMessage, RefusedMessage } from './judge-message.js';
import { REFUSALS, type Refusal } from './refusal.js';
import { decodeBase64url } from '#writ/signing';

/** What a `ledger.rejected` leaf says about the message that it stands for. */
export interface RejectedLeaf {
  readonly reason: Refusal;
  /** Hash of the block, when its author was proved. */
  readonly block: string | null;
}

/** What the leaf of a refused message depends on besides its reason. */
interface RefusedBytes {
  readonly seq: number;
  readonly subject: string;
  /** SHA-256 of the message in base64url, and its length in bytes. */
  readonly hash: string;
  readonly len: number;
}

/**
 * The text of the leaf that stands for a refused message: every message of the stream has a place in the tree, and anyone with the
 * stream computes the same leaf. It claims no author.
 */
export function rejectedText(
  { seq, subject, data }: LedgerMessage,
  ledger: string,
  { refusal, block, isAuthentic }: Pick<RefusedMessage, 'refusal' | 'block' | 'isAuthentic'>,
): string {
  const bytes = { seq, subject: subject.toWellFormed(), hash: sha256(data).toString('base64url'), len: data.length };
  return format(bytes, ledger, { reason: refusal, block: isAuthentic ? (block?.hash ?? null) : null });
}

/**
 * Reads the attacker-controlled text of a `ledger.rejected` leaf; undefined unless it is the one spelling of such a leaf, of this
 * ledger and for the message with this sequence and subject. Whether the message deserved it cannot be told without the message.
 */
export function readRejected(
  text: string,
  ledger: string,
  { seq, subject }: Pick<RefusedBytes, 'seq' | 'subject'>,
): RejectedLeaf | undefined {
  const value = parseCanonical(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { reason, block, hash, len } = value as { readonly [member: string]: Json };
  const refusal = REFUSALS.find((each) => each === reason);
  const isLength = typeof len === 'number' && Number.isSafeInteger(len) && len >= 0;
  if (refusal === undefined || !isLength || !isHash(hash) || !(block === null || isHash(block))) return undefined;
  const leaf = { reason: refusal, block };
  return format({ seq, subject, hash, len }, ledger, leaf) === text ? leaf : undefined;
}

function isHash(value: Json | undefined): value is string {
  return typeof value === 'string' && decodeBase64url(value, HASH_BYTES) !== undefined;
}

function format({ seq, subject, hash, len }: RefusedBytes, ledger: string, { reason, block }: RejectedLeaf): string {
  const id = `rej-${seq}`;
  return canonicalJson({ block, hash, id, ledger, len, reason, seq, subject, type: 'ledger.rejected', v: 1 });
}
