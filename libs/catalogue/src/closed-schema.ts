import type { Json, JsonObject } from '#writ/contracts';
import { CEDAR_TYPE, isExtensionType } from '#writ/policy';
import { endlessReference } from './endless-reference.js';
import { repeatsRepetition } from './pattern.js';

/** A schema that Writ does not take: where in it, and why. */
export class SchemaProblem extends Error {
  override readonly name = 'SchemaProblem';

  constructor(
    readonly path: readonly string[],
    message: string,
  ) {
    super(message);
  }
}

type Path = readonly string[];

const DIALECTS: ReadonlySet<Json | undefined> = new Set([
  undefined,
  'http://json-schema.org/draft-07/schema#',
  'https://json-schema.org/draft/2020-12/schema',
]);
/**
 * What would leave a schema open or make it depend on something outside itself, and what would mean something else once the
 * objects in it are closed: a closed `if` or `not` matches less, so it would let more through.
 */
const REFUSED_KEYWORDS = [
  ...['patternProperties', 'unevaluatedProperties', 'propertyNames', '$id', '$anchor', '$dynamicRef', '$dynamicAnchor'],
  ...['if', 'then', 'else', 'not', 'contains', 'dependentSchemas'],
];
const MAPS_OF_SCHEMAS = ['properties', '$defs', 'definitions'];
const LISTS_OF_SCHEMAS = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];
const LOCAL_REFERENCE = /^#(\/(\$defs|definitions)\/[^/]+)?$/;
// A pattern may backtrack and its input is attacker-controlled, so the input has to be short.
const PATTERN_INPUT_MAX = 4096;

/**
 * The schema with every object in it closed: an object that does not say `additionalProperties` gets `false`. Throws
 * SchemaProblem for what would stay open: `additionalProperties` other than false, members and elements of any type,
 * references that leave the schema; and for patterns that may run for ever.
 */
export function closeSchema(schema: JsonObject): JsonObject {
  const { $schema: dialect, ...rest } = schema;
  if (!DIALECTS.has(dialect)) throw new SchemaProblem(['$schema'], 'must be JSON Schema draft 7 or 2020-12');
  if (rest['type'] !== undefined && rest['type'] !== 'object') {
    throw new SchemaProblem(['type'], 'must be `object`: arguments, as a body, are an object');
  }
  const closed = closeOne({ ...rest, type: 'object' }, []);
  const endless = endlessReference(closed);
  if (endless !== undefined)
    throw new SchemaProblem([], `the reference \`${endless}\` leads back to itself without end`);
  return closed;
}

function closeOne(schema: Json, path: Path): JsonObject {
  if (!isObject(schema)) throw new SchemaProblem(path, 'must be a schema that says what it takes');
  checkKeywords(schema, path);
  const closed: Record<string, Json> = { ...schema };
  if (isObject(schema['items'])) closed['items'] = closeMember(schema['items'], [...path, 'items']);
  for (const keyword of MAPS_OF_SCHEMAS) {
    const members = schema[keyword];
    if (members !== undefined) closed[keyword] = closeMembers(members, [...path, keyword]);
  }
  for (const keyword of LISTS_OF_SCHEMAS) {
    const branches = schema[keyword];
    if (!Array.isArray(branches)) continue;
    closed[keyword] = branches.map((branch: Json, at) => closeOne(branch, [...path, keyword, String(at)]));
  }
  if (closed['properties'] !== undefined) closed['type'] ??= 'object';
  if (takes(closed, 'object')) closed['additionalProperties'] = false;
  return closed;
}

function closeMembers(members: Json, path: Path): JsonObject {
  if (!isObject(members)) throw new SchemaProblem(path, 'must be an object of schemas');
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => [name, closeMember(member, [...path, name])]),
  );
}

/** A schema of a member or element: besides being closed it must say what kind of value it takes. */
function closeMember(schema: Json, path: Path): JsonObject {
  const closed = closeOne(schema, path);
  if (!isBounded(closed)) throw new SchemaProblem(path, 'must say its `type`: a value of any type is not closed');
  return closed;
}

function isBounded(schema: Json): boolean {
  if (!isObject(schema)) return false;
  if (['type', 'enum', 'const', '$ref'].some((keyword) => keyword in schema)) return true;
  const { allOf, anyOf, oneOf } = schema;
  if (Array.isArray(allOf) && allOf.some(isBounded)) return true;
  return [anyOf, oneOf].some((branches) => Array.isArray(branches) && branches.every(isBounded));
}

function checkKeywords(schema: JsonObject, path: Path): void {
  const refused = REFUSED_KEYWORDS.find((keyword) => keyword in schema);
  if (refused !== undefined)
    throw new SchemaProblem([...path, refused], 'is not taken in a schema of arguments or bodies');
  const { additionalProperties, $ref: reference, items } = schema;
  if (additionalProperties !== undefined && additionalProperties !== false) {
    throw new SchemaProblem([...path, 'additionalProperties'], 'must be false: arguments are closed to the schema');
  }
  if (reference !== undefined && !(typeof reference === 'string' && LOCAL_REFERENCE.test(reference))) {
    throw new SchemaProblem([...path, '$ref'], 'must point into the same schema, such as `#/$defs/name`');
  }
  if (takes(schema, 'array') && !isObject(items) && items !== false) {
    throw new SchemaProblem(path, 'an array must say what its `items` are');
  }
  checkPattern(schema, path);
  checkCedarType(schema, path);
}

function checkPattern({ pattern, maxLength }: JsonObject, path: Path): void {
  if (pattern === undefined) return;
  if (typeof maxLength !== 'number' || maxLength > PATTERN_INPUT_MAX) {
    throw new SchemaProblem([...path, 'pattern'], `needs a \`maxLength\` of at most ${PATTERN_INPUT_MAX} beside it`);
  }
  if (typeof pattern === 'string' && repeatsRepetition(pattern)) {
    throw new SchemaProblem(
      [...path, 'pattern'],
      'repeats a group that itself repeats or chooses: it may run for ever',
    );
  }
}

/** The formats whose text is, or can be, of that type. */
const FORMATS_OF = { ipaddr: ['ipv4', 'ipv6'], datetime: ['date-time', 'date'], decimal: [], duration: [] } as const;

/** It has to say the same as its neighbours: an argument that can never be read would be refused with every request. */
function checkCedarType(schema: JsonObject, path: Path): void {
  const { [CEDAR_TYPE]: cedarType, type, format } = schema;
  if (cedarType === undefined) return;
  const at = [...path, CEDAR_TYPE];
  if (!isExtensionType(cedarType)) {
    throw new SchemaProblem(at, 'must be `ipaddr`, `datetime`, `decimal` or `duration`');
  }
  const names: readonly Json[] = Array.isArray(type) ? type : [type];
  const [name, ...others] = names.filter((each) => each !== 'null');
  if (others.length > 0 || (name !== 'string' && !(name === 'number' && cedarType === 'decimal'))) {
    throw new SchemaProblem(at, 'goes with `type: string`; `decimal` also with `type: number`');
  }
  const formats: readonly (Json | undefined)[] = FORMATS_OF[cedarType];
  if (format === undefined || formats.includes(format)) return;
  // A month of ISO 8601 has no number of milliseconds, which is what a duration of Cedar is.
  throw new SchemaProblem(at, `does not go with \`format: ${String(format)}\`, whose text is something else`);
}

function takes(schema: JsonObject, type: string): boolean {
  const types = schema['type'];
  return types === type || (Array.isArray(types) && types.includes(type));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
