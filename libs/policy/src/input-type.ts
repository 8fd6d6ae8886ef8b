import { type Json, type JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { isList, isObject } from './expression.js';
import { type InputMember, type InputType, readInputType, type UntypedArgument } from './read-input-type.js';

const EMPTY: InputType = { kind: 'Record', members: new Map() };
/** Operators over sets of records or sets read every member of every element, and a caller chooses how many there are. */
const NESTED_ELEMENTS_MAX = 1_000;

interface KnownInput {
  readonly type: InputType;
  readonly untyped: readonly UntypedArgument[];
}

/**
 * The Cedar record of a tool's arguments, read from their JSON Schema. What Cedar cannot type (fractions, unions of several
 * types, free objects, mixed lists, recursion) is left out: a policy cannot read it and does not validate if it tries.
 */
export function inputTypeOf(schema: JsonObject): InputType {
  return knownInput(schema).type;
}

/** The arguments that `inputTypeOf` leaves out, and why each. */
export function untypedArgumentsOf(schema: JsonObject): readonly UntypedArgument[] {
  return knownInput(schema).untyped;
}

/** The type of a schema is asked for on every call of its tool. */
const known = new WeakMap<JsonObject, KnownInput>();

function knownInput(schema: JsonObject): KnownInput {
  let input = known.get(schema);
  if (input === undefined) {
    const { type, untyped } = readInputType(schema) ?? { type: EMPTY, untyped: [] };
    known.set(schema, (input = { type: type.kind === 'Record' ? type : EMPTY, untyped }));
  }
  return input;
}

/**
 * The arguments as policies see them: exactly what `inputTypeOf` types, nothing else. Throws INPUT_ARGUMENTS_INVALID when an
 * argument is there and not of its type, or is required and not there: left out in silence, it would not be seen by a forbid.
 */
export function typedContextInput(schema: JsonObject, args: JsonObject): JsonObject {
  const input = project(inputTypeOf(schema), args);
  if (!isObject(input)) throw new Fault('INPUT_ARGUMENTS_INVALID', 'the arguments do not match the schema of the tool');
  return input;
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
    case 'Set':
      return isList(value) ? projectList(type.element, value) : undefined;
    case 'Record':
      return isObject(value) ? projectRecord(type.members, value) : undefined;
  }
}

function projectList(element: InputType, value: readonly Json[]): readonly Json[] | undefined {
  const isNested = element.kind === 'Set' || element.kind === 'Record';
  if (isNested && value.length > NESTED_ELEMENTS_MAX) {
    const message = `a list of lists or objects has ${value.length} elements; policies read at most ${NESTED_ELEMENTS_MAX}`;
    throw new Fault('INPUT_ARGUMENTS_INVALID', message);
  }
  const projected = value.map((each) => project(element, each));
  return projected.every((each) => each !== undefined) ? projected : undefined;
}

function projectRecord(members: ReadonlyMap<string, InputMember>, value: JsonObject): JsonObject | undefined {
  const projected: Record<string, Json> = {};
  for (const [name, { type, isRequired, isNullable }] of members) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    if (given === undefined || (given === null && isNullable)) {
      if (isRequired) return undefined;
      continue;
    }
    const member = project(type, given);
    if (member === undefined) return undefined;
    projected[name] = member;
  }
  return projected;
}
