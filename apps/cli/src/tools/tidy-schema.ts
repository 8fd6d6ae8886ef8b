import type { Json, JsonObject } from '#writ/contracts';

/** What only describes: validators do not know it, and no request depends on it. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  ...['example', 'examples', 'xml', 'externalDocs', 'discriminator', 'deprecated', 'readOnly', 'writeOnly', '$comment'],
  ...['$schema', '$id', 'id', 'title', 'contentMediaType', 'contentEncoding'],
]);
const FORMATS: ReadonlySet<Json | undefined> = new Set([
  ...['date', 'time', 'date-time', 'duration', 'uri', 'uri-reference', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'],
]);
const MAPS = ['properties', '$defs', 'definitions'];
const LISTS = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];
// What a pattern is tried on has to be short in the schema of a tool: it may backtrack.
const PATTERN_INPUT_MAX = 4096;
const DEPTH_MAX = 32;

/** Finds what a local reference points at; undefined when that is nothing, or a reference of another kind. */
export type Resolve = (reference: string) => Json | undefined;

/**
 * A JSON Schema of somebody else, as near to it as Writ takes one. Annotations and unknown formats are left out, `nullable` and boolean
 * limits of OpenAPI 3.0 become what they mean, patterns get a length, open objects with named members are closed, and objects in `allOf`
 * become one, because closed ones would exclude each other. It takes nothing that the original refuses but by format; what cannot be
 * said is left as it is, and refused where the tool is checked.
 */
export function tidySchema(schema: Json, resolve: Resolve, depth = 0): Json {
  if (!isObject(schema) || depth > DEPTH_MAX) return schema;
  const kept = Object.entries(schema).filter(
    ([name, value]) => !ANNOTATIONS.has(name) && !name.startsWith('x-') && !(name === 'format' && !FORMATS.has(value)),
  );
  const within = (each: Json) => tidySchema(each, resolve, depth + 1);
  const tidied: Record<string, Json> = {};
  for (const [name, value] of kept) {
    if (MAPS.includes(name) && isObject(value))
      tidied[name] = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, within(member)]));
    else if (LISTS.includes(name) && Array.isArray(value)) tidied[name] = value.map(within);
    else tidied[name] = name === 'items' ? within(value) : value;
  }
  return closed(withLimits(nullableToType(mergeAll(tidied, resolve))));
}

/** Objects of `allOf` as one object, where they say nothing but members. */
function mergeAll(schema: JsonObject, resolve: Resolve): JsonObject {
  const { allOf, ...rest } = schema;
  if (!Array.isArray(allOf)) return schema;
  const parts = [...(allOf as readonly Json[]).map((part) => target(part, resolve)), rest];
  if (!parts.every(isMergeable)) return schema;
  const properties: Record<string, Json> = {};
  for (const part of parts) {
    for (const [name, member] of Object.entries(membersOf(part['properties']))) {
      // Two that differ would both have to hold.
      if (Object.hasOwn(properties, name) && JSON.stringify(properties[name]) !== JSON.stringify(member)) return schema;
      properties[name] = member;
    }
  }
  const required = [
    ...new Set(parts.flatMap(({ required: names }) => (Array.isArray(names) ? (names as Json[]) : []))),
  ];
  const { description } = rest;
  return {
    type: 'object',
    ...(description !== undefined && { description }),
    properties,
    ...(required.length > 0 && { required }),
  };
}

function target(schema: Json, resolve: Resolve): Json {
  const reference = isObject(schema) ? schema['$ref'] : undefined;
  return typeof reference === 'string' ? tidySchema(resolve(reference) ?? schema, resolve, DEPTH_MAX / 2) : schema;
}

const MERGEABLE = ['type', 'properties', 'required', 'description', 'additionalProperties'];

function isMergeable(schema: Json): schema is JsonObject {
  return (
    isObject(schema) &&
    (schema['type'] ?? 'object') === 'object' &&
    Object.keys(schema).every((name) => MERGEABLE.includes(name))
  );
}

/** OpenAPI 3.0: null beside the type, and limits that are told to exclude themselves. */
function nullableToType({ nullable, ...schema }: JsonObject): JsonObject {
  const { type, exclusiveMinimum, exclusiveMaximum, minimum, maximum, ...rest } = schema;
  const low = limit('inimum', minimum, exclusiveMinimum);
  const high = limit('aximum', maximum, exclusiveMaximum);
  const types = nullable === true && typeof type === 'string' ? [type, 'null'] : type;
  return { ...(types !== undefined && { type: types }), ...rest, ...low, ...high };
}

function limit(name: 'inimum' | 'aximum', value: Json | undefined, isExclusive: Json | undefined): JsonObject {
  if (isExclusive === true) return value === undefined ? {} : { [`exclusiveM${name}`]: value };
  return {
    ...(value !== undefined && { [`m${name}`]: value }),
    ...(typeof isExclusive === 'number' && { [`exclusiveM${name}`]: isExclusive }),
  };
}

function withLimits(schema: JsonObject): JsonObject {
  const { pattern, maxLength = PATTERN_INPUT_MAX } = schema;
  if (pattern === undefined || typeof maxLength !== 'number') return schema;
  return { ...schema, maxLength: Math.min(maxLength, PATTERN_INPUT_MAX) };
}

/** A map of anything cannot be closed and stays what it is; an object with members is closed to them. */
function closed(schema: JsonObject): JsonObject {
  if (schema['additionalProperties'] === undefined || Object.keys(membersOf(schema['properties'])).length === 0)
    return schema;
  return { ...schema, additionalProperties: false };
}

function membersOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** Whether a value is a JSON object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
