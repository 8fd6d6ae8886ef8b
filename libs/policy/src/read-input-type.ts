import type { Json, JsonObject } from '#writ/contracts';
import { isList, isObject } from './expression.js';
import { type ExtensionType, isExtensionType } from './typed-text.js';

/** What of a JSON value Cedar can type. */
export type InputType =
  | { readonly kind: 'String' | 'Long' | 'Bool' | ExtensionType }
  | { readonly kind: 'Set'; readonly element: InputType }
  | { readonly kind: 'Record'; readonly members: ReadonlyMap<string, InputMember> };

export interface InputMember {
  readonly type: InputType;
  readonly isRequired: boolean;
  /** It may be null, which policies see as absent. */
  readonly isNullable: boolean;
}

/** An argument that policies cannot read, and why: `["filter", "weight"]` is `context.input.filter.weight`. */
export interface UntypedArgument {
  readonly path: readonly string[];
  readonly why: string;
}

interface Typed {
  readonly type: InputType;
  readonly isNullable: boolean;
  readonly untyped: readonly UntypedArgument[];
}
/** A sentence about the argument that says why it has no type. */
interface Untyped {
  readonly why: string;
}
type Reading = Typed | Untyped;

/** The keyword of a schema that says as which type of Cedar policies see an argument that JSON has no type for. */
export const CEDAR_TYPE = 'x-cedar-type';
const DEPTH_MAX = 12;
/** References can multiply: what a schema declares beyond this many arguments has no type. */
const ARGUMENTS_MAX = 2_000;
// Cedar and Writ give these a meaning of their own.
const RESERVED_NAMES: ReadonlySet<string> = new Set(['__proto__', '__entity', '__extn', '__cedar', '']);

/** Reads the JSON Schema of a tool's arguments. References are followed inside of the schema only. */
export function readInputType(schema: JsonObject): Typed | undefined {
  const reading = new SchemaReader(schema).read(schema, { depth: 0, references: [] });
  return isTyped(reading) ? reading : undefined;
}

/** Where in a schema the reader is. */
interface Position {
  readonly depth: number;
  /** The references that led here: to meet one again is to be in a circle. */
  readonly references: readonly string[];
}

class SchemaReader {
  #arguments = 0;

  constructor(private readonly root: JsonObject) {}

  /** Everything that a schema says holds at once, so each part that has a type gives the type. */
  read(schema: Json | undefined, at: Position): Reading {
    if (!isObject(schema)) return { why: 'its schema says nothing of it' };
    if (at.depth > DEPTH_MAX) return { why: `it nests deeper than ${DEPTH_MAX} levels` };
    const { $ref: reference, allOf, anyOf, oneOf } = schema;
    const parts: Reading[] = [];
    if (['type', 'enum', 'const', 'properties'].some((keyword) => schema[keyword] !== undefined)) {
      parts.push(this.#own(schema, at));
    }
    if (typeof reference === 'string') parts.push(this.#referenced(reference, at));
    if (isList(allOf)) parts.push(...allOf.map((part) => this.read(part, at)));
    for (const branches of [anyOf, oneOf]) {
      if (isList(branches)) parts.push(union(branches.map((branch) => this.read(branch, at))));
    }
    return parts.reduce(both, NO_TYPE);
  }

  #own(schema: JsonObject, at: Position): Reading {
    const named = schema['type'] ?? 'object';
    const names = isList(named) ? named : [named];
    const cedarType = schema[CEDAR_TYPE];
    // Which values it stands beside is checked where catalogues are read; here each value that is not of the type is refused.
    if (isExtensionType(cedarType)) return { ...plain(cedarType), isNullable: names.includes('null') };
    if (schema['enum'] !== undefined || schema['const'] !== undefined) return typeOfValues(schema);
    const [name, ...others] = names.filter((each) => each !== 'null');
    if (others.length > 0) return { why: 'it may be of several types' };
    const reading = this.#named(name, schema, at);
    return isTyped(reading) ? { ...reading, isNullable: names.includes('null') } : reading;
  }

  #named(name: Json | undefined, schema: JsonObject, at: Position): Reading {
    switch (name) {
      case 'string':
        return plain('String');
      case 'integer':
        return plain('Long');
      case 'number':
        return Number.isSafeInteger(schema['multipleOf']) ? plain('Long') : { why: 'it may have a fraction' };
      case 'boolean':
        return plain('Bool');
      case 'array':
        return this.#list(schema, at);
      case 'object':
        return this.#record(schema, at);
      case undefined:
        return NULL_ALONE;
      default:
        return { why: 'its type is none of JSON' };
    }
  }

  #list({ items, prefixItems }: JsonObject, { depth, references }: Position): Reading {
    const schemas = [...(isList(prefixItems) ? prefixItems : []), ...(isObject(items) ? [items] : [])];
    const element = union(schemas.map((schema) => this.read(schema, { depth: depth + 1, references })));
    if (!isTyped(element)) return { why: `of its elements: ${element.why}` };
    // Cedar has no null: a list that may hold one has no type.
    if (element.isNullable) return { why: 'its elements may be null' };
    return { type: { kind: 'Set', element: element.type }, isNullable: false, untyped: [] };
  }

  #record(schema: JsonObject, { depth, references }: Position): Reading {
    const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : [];
    if (properties.length === 0 && depth > 0) return { why: 'it is an object without declared members' };
    const required = isList(schema['required']) ? schema['required'] : [];
    const members = new Map<string, InputMember>();
    const untyped: UntypedArgument[] = [];
    for (const [name, property] of properties) {
      const member = this.#member(name, property, { depth: depth + 1, references });
      if (!isTyped(member)) {
        untyped.push({ path: [name], why: member.why });
        continue;
      }
      const { type, isNullable } = member;
      members.set(name, { type, isNullable, isRequired: required.includes(name) && !isNullable });
      untyped.push(...member.untyped.map(({ path, why }) => ({ path: [name, ...path], why })));
    }
    return { type: { kind: 'Record', members }, isNullable: false, untyped };
  }

  #member(name: string, property: Json, at: Position): Reading {
    if (RESERVED_NAMES.has(name) || !name.isWellFormed()) return { why: 'its name has a meaning of its own' };
    if (++this.#arguments > ARGUMENTS_MAX) return { why: `the tool declares more than ${ARGUMENTS_MAX} arguments` };
    return this.read(property, at);
  }

  #referenced(reference: string, { depth, references }: Position): Reading {
    if (references.includes(reference) || reference === '#') return { why: 'it is recursive' };
    const keys = reference.replace(/^#\//, '').split('/');
    const target = keys.reduce<Json | undefined>((at, key) => {
      const name = decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
      return isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
    }, this.root);
    return this.read(target, { depth, references: [...references, reference] });
  }
}

const NO_TYPE: Untyped = { why: 'its schema names no type' };
const NULL_ALONE: Untyped = { why: 'it is always null' };

function plain(kind: 'String' | 'Long' | 'Bool' | ExtensionType): Typed {
  return { type: { kind }, isNullable: false, untyped: [] };
}

function isTyped(reading: Reading): reading is Typed {
  return 'type' in reading;
}

function typeOfValues(schema: JsonObject): Reading {
  const values = isList(schema['enum']) ? schema['enum'] : [schema['const']];
  const present = values.filter((value) => value !== null);
  const isNullable = present.length < values.length;
  if (present.length === 0) return NULL_ALONE;
  const isAll = (test: (value: Json | undefined) => boolean): boolean => present.every(test);
  if (isAll((value) => typeof value === 'string')) return { ...plain('String'), isNullable };
  if (isAll((value) => typeof value === 'boolean')) return { ...plain('Bool'), isNullable };
  if (isAll(Number.isSafeInteger)) return { ...plain('Long'), isNullable };
  return { why: 'its values are of several types, or of one that Cedar does not have' };
}

/** The type of a value that is of both. */
function both(a: Reading, b: Reading): Reading {
  if (a === NO_TYPE) return b;
  if (!isTyped(b)) return a;
  if (!isTyped(a)) return b;
  const isNullable = a.isNullable && b.isNullable;
  // Text of an extension type is text: the part that knows more of it gives the type.
  if (a.type.kind === 'String' && isExtensionType(b.type.kind)) return { ...b, isNullable };
  if (b.type.kind === 'String' && isExtensionType(a.type.kind)) return { ...a, isNullable };
  if (a.type.kind !== b.type.kind) return { why: 'its schema asks for two types at once' };
  if (a.type.kind !== 'Record' || b.type.kind !== 'Record') return { ...a, isNullable };
  const members = new Map(a.type.members);
  for (const [name, member] of b.type.members) {
    const known = members.get(name);
    const isRequired = member.isRequired || known?.isRequired === true;
    members.set(name, {
      ...(known ?? member),
      isRequired,
      isNullable: member.isNullable && known?.isNullable !== false,
    });
  }
  const untyped = [...a.untyped, ...b.untyped].filter(({ path: [name = '', ...deeper] }) => {
    return deeper.length > 0 || !members.has(name);
  });
  return { type: { kind: 'Record', members }, isNullable, untyped };
}

/** The type of a value that is of one of them, where they agree. */
function union(branches: readonly Reading[]): Reading {
  const others = branches.filter((branch) => branch !== NULL_ALONE);
  const isNullable = others.length < branches.length;
  const [first, ...more] = others;
  if (first === undefined) return isNullable ? NULL_ALONE : { why: 'its schema says nothing of it' };
  const joined = more.reduce(either, first);
  return isTyped(joined) ? { ...joined, isNullable: joined.isNullable || isNullable } : joined;
}

function either(a: Reading, b: Reading): Reading {
  if (!isTyped(a)) return a;
  if (!isTyped(b)) return b;
  const isNullable = a.isNullable || b.isNullable;
  if (a.type.kind === 'Record' && b.type.kind === 'Record') return eitherRecord(a, b, isNullable);
  return isSameType(a.type, b.type) ? { ...a, isNullable } : { why: 'it may be of several types' };
}

/** A member has a type where no branch gives it another one, and is required where every branch requires it. */
function eitherRecord(a: Typed, b: Typed, isNullable: boolean): Reading {
  const [left, right] = [membersOf(a), membersOf(b)];
  const untyped = new Map([...a.untyped, ...b.untyped].map((each) => [each.path.join('\0'), each]));
  const members = new Map<string, InputMember>();
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [inA, inB] = [left.get(name), right.get(name)];
    const member = inA ?? inB;
    if (member === undefined || untyped.has(name)) continue;
    if (inA !== undefined && inB !== undefined && !isSameType(inA.type, inB.type)) {
      untyped.set(name, { path: [name], why: 'it may be of several types' });
      continue;
    }
    const isRequired = inA?.isRequired === true && inB?.isRequired === true;
    members.set(name, { ...member, isRequired, isNullable: inA?.isNullable === true || inB?.isNullable === true });
  }
  return { type: { kind: 'Record', members }, isNullable, untyped: [...untyped.values()] };
}

function isSameType(a: InputType, b: InputType): boolean {
  if (a.kind === 'Set') return b.kind === 'Set' && isSameType(a.element, b.element);
  if (a.kind !== 'Record') return a.kind === b.kind;
  if (b.kind !== 'Record' || a.members.size !== b.members.size) return false;
  return [...a.members].every(([name, { type, isRequired, isNullable }]) => {
    const other = b.members.get(name);
    return other?.isRequired === isRequired && other.isNullable === isNullable && isSameType(type, other.type);
  });
}

function membersOf({ type }: Typed): ReadonlyMap<string, InputMember> {
  return type.kind === 'Record' ? type.members : new Map();
}
