import { leafHashOfText } from './hash.js';
import { merkleRoot } from './merkle.js';

const ENTRIES_START = '"entries":[';
const JSON_STRING = /"(?:[^"\\]|\\.)*"/y;
/** Quotes are escaped within entries, so this matches the block's own member alone. */
const BLOCK_NUMBER = /"n":([1-9][0-9]{0,15}),"prev"/;
const ENTRY_ID = /"id":"([0-9A-HJKMNP-TV-Z]{26})"/;

/** An entry to blame, as far as it can be told. */
export interface BlamedEntry {
  readonly index: number;
  readonly id?: string;
}

export interface DamagedBlock {
  readonly n?: number;
  /** The entries that are not what they were; empty when that cannot be told. */
  readonly altered: readonly BlamedEntry[];
}

/**
 * Tells people what is wrong with a message that is no good block: its number, and, given leaf hashes that were recorded when it was
 * good, which entries were altered. Nothing is accepted because of it, and the hashes count only if they fit the block's own root.
 */
export function inspectDamaged(message: Uint8Array, recorded: readonly Buffer[] | undefined): DamagedBlock {
  const text = Buffer.from(message).toString('utf8');
  const n = BLOCK_NUMBER.exec(text)?.[1];
  return {
    ...(n !== undefined && { n: Number(n) }),
    altered: recorded === undefined ? [] : alteredEntries(text, recorded),
  };
}

/** The id that an entry claims; the entry may be malformed. */
export function claimedId(entry: string | undefined): string | undefined {
  return ENTRY_ID.exec(entry ?? '')?.[1];
}

function alteredEntries(text: string, recorded: readonly Buffer[]): BlamedEntry[] {
  if (!text.includes(`"root":"${merkleRoot(recorded).toString('base64url')}"`)) return [];
  const present = entryTexts(text, recorded.length);
  return recorded.flatMap((hash, index) => {
    const entry = present[index];
    if (entry !== undefined && leafHashOfText(entry).equals(hash)) return [];
    const id = claimedId(entry);
    return [{ index, ...(id !== undefined && { id }) }];
  });
}

/** The strings of the `entries` array of JSON text that may be broken; undefined for a string that does not decode. */
function entryTexts(text: string, count: number): (string | undefined)[] {
  const texts: (string | undefined)[] = [];
  const start = text.indexOf(ENTRIES_START);
  if (start < 0) return texts;
  JSON_STRING.lastIndex = start + ENTRIES_START.length;
  while (texts.length < count) {
    const literal = JSON_STRING.exec(text)?.[0];
    if (literal === undefined) break;
    texts.push(decodeLiteral(literal));
    JSON_STRING.lastIndex = JSON_STRING.lastIndex + 1; // The comma between two entries.
  }
  return texts;
}

function decodeLiteral(literal: string): string | undefined {
  try {
    return String(JSON.parse(literal));
  } catch {
    return undefined;
  }
}
