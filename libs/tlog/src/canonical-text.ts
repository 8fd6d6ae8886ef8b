import { canonicalJson, type Json, type JsonObject } from '#writ/contracts';

/**
 * The value of a text that is canonical JSON (RFC 8785), or undefined when the text is anything else: not JSON, a key twice, white
 * space, another order of keys, another spelling of a number or a string.
 */
export function parseCanonical(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isCanonical(text, value) ? value : undefined;
  } catch {
    // Not JSON, or nested so deep that looking at it overflows the stack: not canonical either way.
    return undefined;
  }
}

function isCanonical(text: string, value: Json): boolean {
  // JSON.stringify writes canonical JSON, save the order of keys and lone surrogates, and is twice as fast as sorting again.
  if (hasSortedKeys(value) && !text.includes('\\ud')) return JSON.stringify(value) === text;
  // Keys that look like integers are sorted otherwise by JavaScript than by RFC 8785: only here the slow way tells.
  return canonicalJson(value) === text;
}

function hasSortedKeys(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(hasSortedKeys);
  const object = value as JsonObject;
  const keys = Object.keys(object);
  return keys.every((key, i) => (i === 0 || (keys[i - 1] as string) < key) && hasSortedKeys(object[key] as Json));
}
