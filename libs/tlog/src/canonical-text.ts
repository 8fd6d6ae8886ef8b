import { canonicalJson, type Json, type JsonObject } from '#writ/contracts';

/** No entry nests as deep. Without a limit it would depend on the size of somebody's stack whether one counts. */
const DEPTH_MAX = 64;
const TOO_DEEP = new RangeError(`nested deeper than ${DEPTH_MAX}`);

/**
 * The value of a text that is canonical JSON (RFC 8785), or undefined when the text is anything else: not JSON, a key twice, white
 * space, another order of keys, another spelling of a number or a string, or nested deeper than 64.
 */
export function parseCanonical(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isCanonical(text, value) ? value : undefined;
  } catch {
    // Not JSON, or too deep: not canonical either way.
    return undefined;
  }
}

function isCanonical(text: string, value: Json): boolean {
  if (isPlain(text) && plainLength(value, DEPTH_MAX) === text.length) return true;
  // JSON.stringify writes canonical JSON, save the order of keys and lone surrogates, and is twice as fast as sorting again.
  if (hasSortedKeys(value, DEPTH_MAX) && !text.includes('\\ud')) return JSON.stringify(value) === text;
  // Keys that look like integers are sorted otherwise by JavaScript than by RFC 8785: only here the slow way tells.
  return canonicalJson(value) === text;
}

/** Whether a JSON text has no white space, no escape, no pair of surrogates, and no number but integers of at most 15 digits. */
function isPlain(text: string): boolean {
  return /^(?:[{}[\],:]|"[^"\\\ud800-\udfff]*"|-?(?:0|[1-9]\d{0,14})(?![\d.eE])|true|false|null)*$/.test(text);
}

/**
 * The length of the canonical text of what a plain text says, or NaN when its keys are not in order or might be in another one in the
 * text. A plain text of that length is the canonical one: each of its tokens is, and a key that stands twice would make it longer.
 */
function plainLength(value: Json, depth: number): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return String(value).length;
  if (depth === 0) throw TOO_DEEP;
  // Two brackets, and a comma between any two; a key has two quotes and a colon.
  let length = 1;
  if (Array.isArray(value)) {
    for (const element of value as readonly Json[]) length += plainLength(element, depth - 1) + 1;
    return Math.max(length, 2);
  }
  const object = value as JsonObject;
  let before = '';
  for (const key in object) {
    // JavaScript moves keys that look like integers to the front, so that their order says nothing of the text.
    if (key <= before || (key >= '0' && key < ':')) return NaN;
    before = key;
    length += key.length + 4 + plainLength(object[key] as Json, depth - 1);
  }
  return Math.max(length, 2);
}

/** Looks at every member, so that it finds what is nested too deep, which it throws, wherever that is. */
function hasSortedKeys(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) throw TOO_DEEP;
  let isSorted = true;
  if (Array.isArray(value)) {
    for (const element of value as readonly Json[]) isSorted = hasSortedKeys(element, depth - 1) && isSorted;
    return isSorted;
  }
  const object = value as JsonObject;
  let before: string | undefined;
  for (const key of Object.keys(object)) {
    isSorted &&= before === undefined || before < key;
    before = key;
    isSorted = hasSortedKeys(object[key] as Json, depth - 1) && isSorted;
  }
  return isSorted;
}
