import type { Json } from '#writ/contracts';

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '{': '}', '"': '"' };

/** The array, object or string that a text is as JSON; undefined for any other text. */
export function parseJson(text: string): Json | undefined {
  const first = /^\s{0,64}[[{"]/.exec(text)?.[0].at(-1);
  // To refuse a line of a log that begins with a bracket or has several words in quotes takes the parser far longer.
  if (first === undefined || !text.trimEnd().endsWith(CLOSING[first] ?? '')) return undefined;
  if (first === '"' && endOfQuote(text) < text.lastIndexOf('"')) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Where the first part in quotes ends at the latest, which one behind a backslash says nothing of. */
function endOfQuote(text: string): number {
  const end = text.indexOf('"', text.indexOf('"') + 1);
  return text.charAt(end - 1) === '\\' ? text.length : end;
}
