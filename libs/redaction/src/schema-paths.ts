import type { Json, JsonObject } from '#writ/contracts';
import { advance, foldKey, isMatched, type PathCursor, pathTokens, startOf } from './paths.js';

/** Nesting of a recursive schema that is followed; a path longer than that is taken to match. */
const DEPTH_MAX = 32;

/**
 * The paths that can match no value of a JSON Schema. Such a path in a policy is an error when the policy is loaded, because it
 * would redact nothing in silence. An object schema with `properties` is closed unless it says otherwise, as Writ refuses
 * members that a schema does not name; a string can hold JSON only when it says `contentMediaType: application/json`.
 */
export function unmatchedPaths(schema: Json, paths: readonly string[]): string[] {
  return paths.filter((path) => !canMatch(schema, startOf([pathTokens(path)]), { root: schema, depth: 0 }));
}

interface Walk {
  readonly root: Json;
  readonly depth: number;
}

function canMatch(schema: Json, cursor: PathCursor, { root, depth }: Walk): boolean {
  if (cursor.length === 0 || schema === false) return false;
  if (isMatched(cursor) || depth > DEPTH_MAX) return true;
  if (schema === true) return true;
  if (!isObject(schema)) return false;
  const walk = { root, depth: depth + 1 };
  const alternatives = alternativesOf(schema, root);
  if (alternatives.some((alternative) => canMatch(alternative, cursor, walk))) return true;
  if (isLeaf(schema)) return schema.contentMediaType === 'application/json';
  if (!hasShape(schema)) return alternatives.length === 0;
  return childrenOf(schema, cursor).some(([child, next]) => canMatch(child, next, walk));
}

/** Schemas of which the value may follow one as well: a reference, or a combination. */
function alternativesOf(schema: JsonObject, root: Json): Json[] {
  const reference = typeof schema.$ref === 'string' ? [resolve(root, schema.$ref)] : [];
  const combined = ['allOf', 'anyOf', 'oneOf'].flatMap((word) => listOf(schema[word]));
  const conditional = ['then', 'else'].flatMap((word) => schema[word] ?? []);
  return [...reference, ...combined, ...conditional];
}

/** The schemas one level down that the cursor can go to. */
function childrenOf(schema: JsonObject, cursor: PathCursor): [Json, PathCursor][] {
  const children: [Json, PathCursor][] = [];
  const properties = isObject(schema.properties) ? schema.properties : undefined;
  for (const [key, child] of Object.entries(properties ?? {})) children.push([child, advance(cursor, key)]);
  const anyKey = stepAnywhere(cursor);
  const open = schema.additionalProperties ?? properties === undefined;
  const others = [open, schema.unevaluatedProperties ?? false, ...Object.values(objectOf(schema.patternProperties))];
  if (allows(schema, 'object')) children.push(...others.map((child): [Json, PathCursor] => [child, anyKey]));
  const tuple = listOf(schema.prefixItems);
  children.push(...tuple.map((child, index): [Json, PathCursor] => [child, advance(cursor, String(index))]));
  if (allows(schema, 'array')) children.push([schema.items ?? true, stepToElement(cursor)]);
  return children;
}

/** One level down by a key that is not known: every token matches it. */
function stepAnywhere(cursor: PathCursor): PathCursor {
  const keys = new Set(cursor.map(([path, at]) => path[at]).filter((token) => token !== undefined));
  return [...keys].flatMap((key) => advance(cursor, foldKey(key)));
}

/** One level down to some element of an array: only a number or a star names one. */
function stepToElement(cursor: PathCursor): PathCursor {
  return stepAnywhere(cursor.filter(([path, at]) => /^(?:\*\*?|0|[1-9][0-9]*)$/.test(path[at] ?? '')));
}

function isLeaf(schema: JsonObject): boolean {
  const types = typesOf(schema);
  return types.length > 0 && !types.includes('object') && !types.includes('array');
}

/** Whether the schema says anything about members or elements; a schema that does not lets every value through. */
function hasShape(schema: JsonObject): boolean {
  const words = [
    'properties',
    'additionalProperties',
    'patternProperties',
    'items',
    'prefixItems',
    'type',
    'enum',
    'const',
  ];
  return words.some((word) => word in schema);
}

function allows(schema: JsonObject, type: 'object' | 'array'): boolean {
  const types = typesOf(schema);
  if (types.length > 0) return types.includes(type);
  const words = {
    object: ['properties', 'additionalProperties', 'patternProperties'],
    array: ['items', 'prefixItems'],
  };
  return words[type].some((word) => word in schema);
}

function typesOf(schema: JsonObject): Json[] {
  return typeof schema.type === 'string' ? [schema.type] : listOf(schema.type);
}

function resolve(root: Json, reference: string): Json {
  if (!reference.startsWith('#')) return true;
  let at: Json | undefined = root;
  for (const token of reference.split('/').slice(1)) {
    const key = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
    at = isObject(at) ? at[key] : undefined;
  }
  return at ?? true;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? [...(value as readonly Json[])] : [];
}
