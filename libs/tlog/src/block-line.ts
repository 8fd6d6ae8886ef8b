import { canonicalJson } from '#writ/contracts';
import { BLOCK_ENTRIES_MAX, isSignature, wrongHeaderField, type BlockHeader } from './block.js';

/** A block that counts, in the block index: where its entries stand in the log, and who signed for them. */
export interface AcceptedLine {
  /** Stream sequence of the message. */
  readonly seq: number;
  /** Index of its first leaf. */
  readonly first: number;
  readonly count: number;
  readonly header: BlockHeader;
  readonly sig: string;
}

/** A message that was refused, in the block index: its one leaf is a `ledger.rejected`. */
export interface RejectedLine {
  readonly seq: number;
  readonly first: number;
  readonly count: 1;
  readonly rejected: true;
  readonly subject: string;
}

/** One line of the block index. The index is part of the evidence: it alone says which block a leaf is of. */
export type BlockLine = AcceptedLine | RejectedLine;

/** The line as canonical JSON, without its line end. */
export function formatBlockLine(line: BlockLine): string {
  const { seq, first, count } = line;
  if ('rejected' in line) return canonicalJson({ count, first, rejected: true, seq, subject: line.subject });
  // The members stand in sorted order here, and all strings are well formed.
  return JSON.stringify({ count, first, header: { ...plainHeader(line.header), v: 1 }, seq, sig: line.sig });
}

/** Reads an attacker-controlled line without its line end; undefined unless it is the one spelling of a block line. */
export function parseBlockLine(text: string): BlockLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const line = typeof value === 'object' && value !== null ? readLine(value) : undefined;
  return line !== undefined && formatBlockLine(line) === text ? line : undefined;
}

function readLine(members: { readonly [name in keyof AcceptedLine | keyof RejectedLine]?: unknown }):
  BlockLine | undefined {
  const { seq, first, count, header, sig, rejected, subject } = members;
  if (!isAtLeast(seq, 1) || !isAtLeast(first, 0) || !isAtLeast(count, 1)) return undefined;
  if (rejected === true) {
    const isLine = count === 1 && typeof subject === 'string' && subject.isWellFormed();
    return isLine ? { seq, first, count, rejected, subject } : undefined;
  }
  const isLine = count <= BLOCK_ENTRIES_MAX && isHeader(header) && isSignature(sig);
  return isLine ? { seq, first, count, header: plainHeader(header), sig } : undefined;
}

function isAtLeast(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
}

function isHeader(value: unknown): value is BlockHeader {
  return typeof value === 'object' && value !== null && wrongHeaderField(value) === undefined;
}

/** The members of a header, in canonical order. */
function plainHeader({ boot, key, ledger, n, prev, producer, root }: BlockHeader): BlockHeader {
  return { boot, key, ledger, n, prev, producer, root };
}
