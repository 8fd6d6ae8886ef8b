/** A JSON value as Writ accepts it: no undefined, no NaN, no class instances. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/**
 * Canonical JSON (RFC 8785): keys sorted by UTF-16 code units, ECMAScript numbers, shortest escapes.
 * Throws TypeError on anything that is not JSON, and on lone surrogates, so that no two implementations can differ.
 */
export function canonicalJson(value: Json): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('a number is not finite');
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      break;
    default:
      throw new TypeError(`a ${typeof value} is not JSON`);
  }
  if (value === null) return 'null';
  return Array.isArray(value) ? arrayText(value as readonly Json[]) : objectText(value as JsonObject);
}

function arrayText(array: readonly Json[]): string {
  let text = '[';
  // An index visits holes as undefined, which is no JSON.
  for (let i = 0; i < array.length; i++) text += (i === 0 ? '' : ',') + canonicalJson(array[i] as Json);
  return text + ']';
}

function objectText(object: JsonObject): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('a class instance is not JSON');
  let text = '{';
  for (const key of sortedKeys(object)) {
    const member = object[key];
    if (member === undefined) throw new TypeError('an undefined member is not JSON');
    text += (text.length > 1 ? ',' : '') + quote(key) + ':' + canonicalJson(member);
  }
  return text + '}';
}

/** Above this an insertion takes longer than the engine's own sort, and an attacker chooses the keys of arguments. */
const INSERTED_KEYS_MAX = 32;

/** Most objects are small and nearly in order already. Comparison is by UTF-16 code units, as RFC 8785 asks. */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  if (keys.length > INSERTED_KEYS_MAX) return keys.sort();
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string;
    let at = i;
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

/** Printable ASCII without the quote and the backslash stands for itself. */
const PLAIN = /^[ !#-[\]-~]*$/;
/** Up to this length looking at each character is faster than starting a regular expression. */
const SHORT = 24;

function quote(text: string): string {
  if (text.length <= SHORT ? isPlain(text) : PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError('a string holds a lone surrogate');
  return JSON.stringify(text);
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}
