import { ENTRY_TYPES, type EntryType, type Json, type JsonObject } from '#writ/contracts';
import { z } from 'zod';

/** Types of leaves that no entry schema describes: the sealer's own, and those of parts that write them before they are exported. */
const OTHER_TYPES = [
  'ledger.rejected',
  'ledger.tick',
  'ledger.opened',
  'ledger.integrity.violation',
  'decision.explained',
  'export.heartbeat',
] as const;

/** Every type that has a row in the mapping. A type of entry that has none fails the build in `rowOf`. */
export type LeafType = EntryType | (typeof OTHER_TYPES)[number];
export const LEAF_TYPES: readonly LeafType[] = [...new Set<LeafType>([...ENTRY_TYPES, ...OTHER_TYPES])];
const KNOWN: ReadonlySet<string> = new Set(LEAF_TYPES);

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

const text = z.string().optional();
// What a redaction takes out is missing, at any depth: nothing but the type and the id has to be there.
const Place = z.object({ id: text, effect: text, file: text, line: z.number().optional() });

/** What the mapping reads of an entry. Closed schemas are the sealer's business; one member more must not stop the feed. */
const Facts = z.object({
  type: z.string().max(64),
  id: z.string().regex(/^[0-9A-Za-z-]{1,64}$/),
  ts: z.iso.datetime().optional(),
  ten: text,
  prod: z.object({ id: text }).optional(),
  who: z.object({ agent: text }).optional(),
  act: z.object({ kind: text, res: text }).optional(),
  corr: z.object({ call: text, sess: text, trace: text }).optional(),
  eff: z.object({ d: text }).optional(),
  why: z
    .object({
      code: text,
      text,
      bundle: text,
      pol: z.array(Place).optional(),
    })
    .optional(),
  red: z.array(z.unknown()).optional(),
  io: z.object({ in: text }).optional(),
  cost: z.object({ ms: z.number().optional() }).optional(),
  risk: z.object({ score: z.number().optional() }).optional(),
  n: z.number().optional(),
});
export type Facts = Readonly<z.infer<typeof Facts>>;

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
  const { data: facts } = Facts.safeParse(entry);
  if (facts === undefined || !isLeafType(facts.type)) return undefined;
  return { type: facts.type, facts, entry };
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function timeOf({ ts }: Facts, sealedMs: number): number {
  const parsed = ts === undefined ? Number.NaN : Date.parse(ts);
  return Number.isNaN(parsed) ? sealedMs : parsed;
}

function isLeafType(type: string): type is LeafType {
  return KNOWN.has(type);
}

/** Whether a JSON value is an object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text or number at a path of an entry, as text; undefined when there is none. */
export function textAt(entry: JsonObject, ...path: readonly string[]): string | undefined {
  let value: Json | undefined = entry;
  for (const key of path) value = isObject(value) ? value[key] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
