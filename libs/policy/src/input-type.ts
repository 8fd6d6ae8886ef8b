import { type Json, type JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { isList, isObject } from './expression.js';

/** What of a JSON value Cedar can type. */
export type InputType =
  | { readonly kind: 'String' | 'Long' | 'Bool' }
  | { readonly kind: 'Set'; readonly element: InputType }
  | { readonly kind: 'Record'; readonly members: ReadonlyMap<string, InputMember> };

export interface InputMember {
  readonly type: InputType;
  readonly isRequired: boolean;
}

const DEPTH_MAX = 12;
const EMPTY: InputType = { kind: 'Record', members: new Map() };
// Cedar and Writ give these a meaning of their own.
const RESERVED_NAMES: ReadonlySet<string> = new Set(['__proto__', '__entity', '__extn', '__cedar', '']);

/**
 * The Cedar record of a tool's arguments, read from their JSON Schema. What Cedar cannot type (fractions, unions, free
 * objects, mixed lists, references) is left out: a policy cannot read it and does not validate if it tries.
 */
export function inputTypeOf(schema: JsonObject): InputType {
  let type = known.get(schema);
  if (type === undefined) known.set(schema, (type = typeOf(schema, 0)?.type ?? EMPTY));
  return type.kind === 'Record' ? type : EMPTY;
}

/** The type of a schema is asked for on every call of its tool. */
const known = new WeakMap<JsonObject, InputType>();

/**
 * The arguments as policies see them: exactly what `inputTypeOf` types, nothing else. Throws INPUT_ARGUMENTS_INVALID when a
 * member that the schema requires is not of its type.
 */
export function typedContextInput(schema: JsonObject, args: JsonObject): JsonObject {
  const input = project(inputTypeOf(schema), args);
  if (!isObject(input)) throw new Fault('INPUT_ARGUMENTS_INVALID', 'the arguments do not match the schema of the tool');
  return input;
}

interface Typed {
  readonly type: InputType;
  readonly isNullable: boolean;
}

function typeOf(schema: Json | undefined, depth: number): Typed | undefined {
  if (!isObject(schema) || depth > DEPTH_MAX) return undefined;
  if (schema['enum'] !== undefined || schema['const'] !== undefined) return typeOfValues(schema);
  const isUnion = ['anyOf', 'oneOf', 'allOf', '$ref', 'not', 'if'].some((keyword) => schema[keyword] !== undefined);
  if (isUnion) return undefined;
  const named = schema['type'];
  const names = isList(named) ? named : [named];
  const [name, ...others] = names.filter((each) => each !== 'null');
  const isNullable = names.includes('null');
  if (others.length > 0) return undefined;
  const type = typeNamed(name, schema, depth);
  return type === undefined ? undefined : { type, isNullable };
}

function typeNamed(name: Json | undefined, schema: JsonObject, depth: number): InputType | undefined {
  switch (name) {
    case 'string':
      return { kind: 'String' };
    case 'integer':
      return { kind: 'Long' };
    case 'boolean':
      return { kind: 'Bool' };
    case 'array': {
      const element = typeOf(schema['items'], depth + 1);
      // Cedar has no null: a list that may hold one has no type.
      return element === undefined || element.isNullable ? undefined : { kind: 'Set', element: element.type };
    }
    case 'object':
      return recordOf(schema, depth);
    default:
      return undefined;
  }
}

function recordOf(schema: JsonObject, depth: number): InputType | undefined {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = isList(schema['required']) ? schema['required'] : [];
  const members = new Map<string, InputMember>();
  for (const [name, property] of Object.entries(properties)) {
    const member = RESERVED_NAMES.has(name) || !name.isWellFormed() ? undefined : typeOf(property, depth + 1);
    if (member === undefined) continue;
    members.set(name, { type: member.type, isRequired: required.includes(name) && !member.isNullable });
  }
  return members.size === 0 && depth > 0 ? undefined : { kind: 'Record', members };
}

function typeOfValues(schema: JsonObject): Typed | undefined {
  const values = isList(schema['enum']) ? schema['enum'] : [schema['const']];
  const present = values.filter((value) => value !== null);
  const isNullable = present.length < values.length;
  const isAll = (test: (value: Json | undefined) => boolean): boolean => present.length > 0 && present.every(test);
  if (isAll((value) => typeof value === 'string')) return { type: { kind: 'String' }, isNullable };
  if (isAll((value) => typeof value === 'boolean')) return { type: { kind: 'Bool' }, isNullable };
  return isAll(Number.isSafeInteger) ? { type: { kind: 'Long' }, isNullable } : undefined;
}

/** The value as the type has it; undefined when it is not of that type. */
function project(type: InputType, value: Json | undefined): Json | undefined {
  switch (type.kind) {
    case 'String':
      return typeof value === 'string' ? value : undefined;
    case 'Bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'Long':
      return Number.isSafeInteger(value) ? value : undefined;
    case 'Set': {
      if (!isList(value)) return undefined;
      const elements = value.map((element) => project(type.element, element));
      return elements.every((element) => element !== undefined) ? elements : undefined;
    }
    case 'Record':
      return isObject(value) ? projectRecord(type.members, value) : undefined;
  }
}

function projectRecord(members: ReadonlyMap<string, InputMember>, value: JsonObject): JsonObject | undefined {
  const projected: Record<string, Json> = {};
  for (const [name, { type, isRequired }] of members) {
    const member = Object.hasOwn(value, name) ? project(type, value[name]) : undefined;
    if (member !== undefined) projected[name] = member;
    else if (isRequired) return undefined;
  }
  return projected;
}
