import { hash } from 'node:crypto';
import type { JsonObject } from '#writ/contracts';
import { leafHashOfText } from '#writ/tlog';
import { type Facts, isObject } from './facts.js';
import type { LeafType, ReadLeaf } from './leaf.js';
import { type Row } from './row.js';
import { rowOf, UNKNOWN_ROW } from './row-of.js';

/** Everything that a format says of one leaf, whatever its spelling. */
export interface Exported {
  readonly leaf: ReadLeaf;
  readonly row: Row;
  readonly facts: Partial<Facts>;
  readonly entry: JsonObject;
  readonly type: LeafType | typeof UNKNOWN_TYPE;
  /** Hashes of the leaf, unless something was redacted: a value that is easy to guess could be found by trying. */
  readonly hashes: { readonly raw: string; readonly leaf: string } | undefined;
  /** The exact text of the leaf, if it may leave. */
  readonly raw: string | undefined;
  /** Number among the records that a filtered sink got. */
  readonly xseq: number | undefined;
}

export interface ExportOptions {
  /** Something is taken out of what this sink gets: neither the text nor a hash of it may go there. */
  readonly isRedacted?: boolean;
  /** The exact text of the leaf goes with the record. */
  readonly withRaw?: boolean;
  readonly xseq?: number | undefined;
}

/** Type of the record of a leaf that cannot be read. */
export const UNKNOWN_TYPE = 'unknown';

/** What is said of a leaf. A heartbeat has no text and so no hash. */
export function describeLeaf(leaf: ReadLeaf, options: ExportOptions): Exported {
  const { known, index, text } = leaf;
  const isOpen = index !== undefined && options.isRedacted !== true;
  return {
    leaf,
    row: known === undefined ? UNKNOWN_ROW : rowOf(known.type, known.facts, isForcedDowngrade(known.entry)),
    facts: known?.facts ?? {},
    entry: known?.entry ?? {},
    type: known?.type ?? UNKNOWN_TYPE,
    hashes: isOpen ? { raw: hash('sha256', text, 'hex'), leaf: leafHashOfText(text).toString('base64url') } : undefined,
    raw: isOpen && options.withRaw === true ? text : undefined,
    xseq: options.xseq,
  };
}

/** Who the record is about: the agent, else the producer that wrote it, else the log. */
export function subjectOf({ facts, leaf }: Exported): string {
  return facts.who?.agent ?? facts.prod?.id ?? leaf.logName;
}

/** What was asked for: the tool, namespace or destination, else the kind of request, else the type of the entry. */
export function operationOf({ facts, type }: Exported): string {
  return facts.act?.res ?? facts.act?.kind ?? type;
}

const MAPPED = new Set(['v', 'id', 'ts', 'ledger', 'ten', 'type', 'who']);
/** The policies stand in a field of their own. */
const POLICIES = new Set(['pol']);

/** What no field of a format has: the members of the entry but those that stand elsewhere in every record. */
export function unmappedOf({ entry, hashes, xseq }: Exported): Record<string, unknown> {
  const rest = without(entry, MAPPED);
  const { why } = entry;
  if (isObject(why)) rest['why'] = without(why, POLICIES);
  if (hashes !== undefined) rest['leaf_hash'] = hashes.leaf;
  if (xseq !== undefined) rest['xseq'] = xseq;
  return rest;
}

/** A loop, because a spread that leaves members out takes several times as long. */
function without(object: JsonObject, names: ReadonlySet<string>): Record<string, unknown> {
  const rest: Record<string, unknown> = {};
  for (const name in object) {
    const value = object[name];
    // An assignment to that name would set no member, and the sink would never see it.
    if (name === '__proto__') Object.defineProperty(rest, name, { value, enumerable: true });
    else if (!names.has(name)) rest[name] = value;
  }
  return rest;
}

function isForcedDowngrade({ man }: JsonObject): boolean {
  return isObject(man) && man['over'] !== undefined;
}
