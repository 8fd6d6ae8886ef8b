import { ENTRY_TYPES, type EntryType, type Json, type JsonObject } from '#writ/contracts';
import { type Facts, hasFacts, isObject } from './facts.js';

/** Types of leaves that no entry schema describes. */
const OTHER_TYPES = ['ledger.rejected', 'export.heartbeat'] as const;

/** Every type that has a row in the mapping. A type of entry that has none fails the build in `rowOf`. */
export type LeafType = EntryType | (typeof OTHER_TYPES)[number];
export const LEAF_TYPES: readonly LeafType[] = [...ENTRY_TYPES, ...OTHER_TYPES];
const KNOWN: ReadonlySet<string> = new Set(LEAF_TYPES);

/** Levels of an entry that is read. At a few thousand JSON.stringify throws, and whoever writes entries chooses how many there are. */
const LEVELS_MAX = 1_000;

/** A leaf of the log as SEALED has it. */
export interface SealedLeaf {
  /** The exact text whose UTF-8 bytes are the leaf. */
  readonly text: string;
  /** Its place in the log, from 0. */
  readonly index: number;
  readonly logName: string;
  /** When it was sealed, in Unix ms: the time of a leaf that says none. */
  readonly sealedMs: number;
}

/** A leaf that was read. Without `facts` it is none that the mapping understands, and is exported as what it is: an unknown leaf. */
export interface ReadLeaf {
  readonly text: string;
  /** Absent for a heartbeat, which is not in the log. */
  readonly index: number | undefined;
  readonly logName: string;
  readonly timeMs: number;
  readonly known: { readonly type: LeafType; readonly facts: Facts; readonly entry: JsonObject } | undefined;
}

/** Reads a leaf. `change` alters what is read, for redaction; the text stays. Never throws for what somebody wrote. */
export function readLeaf(leaf: SealedLeaf, change: (entry: JsonObject) => JsonObject = (entry) => entry): ReadLeaf {
  const { text, index, logName, sealedMs } = leaf;
  const known = understand(text, change);
  return { text, index, logName, known, timeMs: known === undefined ? sealedMs : timeOf(known.facts, sealedMs) };
}

/** The entry as the mapping understands it: JSON, an object, of a known type, with the members that are mapped well formed. */
function understand(text: string, change: (entry: JsonObject) => JsonObject): ReadLeaf['known'] {
  const parsed = parseObject(text);
  if (parsed === undefined) return undefined;
  const entry = change(parsed);
  if (!hasFacts(entry) || !isLeafType(entry.type)) return undefined;
  return { type: entry.type, facts: entry, entry };
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json;
    // A level has two brackets: most entries are too short to have so many.
    const mayBeDeep = text.length > 2 * LEVELS_MAX;
    return isObject(value) && !(mayBeDeep && isDeeperThan(LEVELS_MAX, value)) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isDeeperThan(levels: number, value: Json | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member: Json) => isDeeperThan(levels - 1, member));
}

function timeOf({ ts }: Facts, sealedMs: number): number {
  const parsed = ts === undefined ? Number.NaN : Date.parse(ts);
  return Number.isNaN(parsed) ? sealedMs : parsed;
}

function isLeafType(type: string): type is LeafType {
  return KNOWN.has(type);
}

/** The text or number at a path of an entry, as text; undefined when there is none. */
export function textAt(entry: JsonObject, ...path: readonly string[]): string | undefined {
  let value: Json | undefined = entry;
  for (const key of path) value = isObject(value) ? value[key] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
