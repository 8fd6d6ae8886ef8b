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
  // Array.from visits holes as undefined; map would leave them out and write no JSON.
  if (Array.isArray(value)) return `[${Array.from(value as readonly Json[], canonicalJson).join(',')}]`;
  const object = value as JsonObject;
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

/** Most objects are made in order already; looking is cheaper than sorting. Comparison is by UTF-16 code units, as RFC 8785 asks. */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  const isSorted = keys.every((key, index) => index === 0 || (keys[index - 1] ?? '') < key);
  return isSorted ? keys : keys.sort();
}

/** Printable ASCII without the quote and the backslash stands for itself. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError('a string holds a lone surrogate');
  return JSON.stringify(text);
}
