import { leafHashOfText } from './hash.js';
import { merkleRoot } from './merkle.js';

const ENTRIES_START = '"entries":[';
const JSON_STRING = /"(?:[^"\\]|\\.)*"/y;

/**
 * Names the entries of a damaged block that are not what they were, given leaf hashes that were recorded for the block. It serves
 * the message to people alone: nothing is accepted because of it. Undefined when the hashes do not fit the block's own root.
 */
export function alteredEntries(message: Uint8Array, recorded: readonly Buffer[]): number[] | undefined {
  const text = Buffer.from(message).toString('utf8');
  if (!text.includes(`"root":"${merkleRoot(recorded).toString('base64url')}"`)) return undefined;
  const present = entryTexts(text, recorded.length).map((entry) =>
    entry === undefined ? undefined : leafHashOfText(entry),
  );
  return [...recorded.keys()].filter((index) => !present[index]?.equals(recorded[index] ?? Buffer.alloc(0)));
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
