import { type Json, type JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { ContextValue, PolicyContext } from './evaluator.js';
import { isList, isObject } from './expression.js';
import { type InputMember, type InputType, readInputType, type UntypedArgument } from './read-input-type.js';
import { readTyped } from './typed-text.js';

const EMPTY: InputType = { kind: 'Record', members: new Map() };
/** Operators over sets of anything but plain values cost more for every element, and a caller chooses how many there are. */
const COSTLY_ELEMENTS_MAX = 1_000;
const PLAIN_KINDS: ReadonlySet<InputType['kind']> = new Set(['String', 'Bool', 'Long']);

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
 * The arguments as policies see them: exactly what `inputTypeOf` types, nothing else. Throws INPUT_ARGUMENTS_INVALID, which names
 * the place and never the value, when an argument is there and not of its type, or is required and not there: left out in
 * silence, it would not be seen by a forbid.
 */
export function typedContextInput(schema: JsonObject, args: JsonObject): PolicyContext {
  const { type } = knownInput(schema);
  const input = type.kind === 'Record' ? projectRecord(type.members, args) : {};
  if (input !== undefined) return input;
  const message = misfitIn(type, args, '') ?? 'the arguments do not match the schema of the tool';
  throw new Fault('INPUT_ARGUMENTS_INVALID', message);
}

/** The value as the type has it; undefined when it is not of that type. */
function project(type: InputType, value: Json): ContextValue | undefined {
  switch (type.kind) {
    case 'String':
      return typeof value === 'string' ? value : undefined;
    case 'Bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'Long':
      return Number.isSafeInteger(value) ? value : undefined;
    case 'ipaddr':
    case 'datetime':
    case 'decimal':
    case 'duration':
      return readTyped(type.kind, value);
    case 'Set':
      return isList(value) ? projectList(type.element, value) : undefined;
    case 'Record':
      return isObject(value) ? projectRecord(type.members, value) : undefined;
  }
}

function projectList(element: InputType, value: readonly Json[]): readonly ContextValue[] | undefined {
  if (!PLAIN_KINDS.has(element.kind) && value.length > COSTLY_ELEMENTS_MAX) {
    const what = element.kind === 'Set' || element.kind === 'Record' ? 'lists or objects' : `\`${element.kind}\``;
    const message = `a list of ${what} has ${value.length} elements; policies read at most ${COSTLY_ELEMENTS_MAX}`;
    throw new Fault('INPUT_ARGUMENTS_INVALID', message);
  }
  const projected = value.map((each) => project(element, each));
  return projected.every((each) => each !== undefined) ? projected : undefined;
}

function projectRecord(members: ReadonlyMap<string, InputMember>, value: JsonObject): PolicyContext | undefined {
  const projected: Record<string, ContextValue> = {};
  for (const [name, member] of members) {
    const given = givenOf(value, name, member);
    if (given === undefined) {
      if (member.isRequired) return undefined;
      continue;
    }
    const read = project(member.type, given);
    if (read === undefined) return undefined;
    projected[name] = read;
  }
  return projected;
}

/** Undefined for a member that is not there, which one that may be null and is null counts as. */
function givenOf(value: JsonObject, name: string, { isNullable }: InputMember): Json | undefined {
  const given = Object.hasOwn(value, name) ? value[name] : undefined;
  return given === null && isNullable ? undefined : given;
}

/** Says where the first value is that kept arguments from being of their type. */
function misfitIn(type: InputType, value: Json, path: string): string | undefined {
  if (type.kind === 'Set' && isList(value)) {
    return firstOf(value.entries(), ([at, each]) => misfitIn(type.element, each, `${path}/${at}`));
  }
  if (type.kind === 'Record' && isObject(value)) {
    return firstOf(type.members, ([name, member]) => {
      const given = givenOf(value, name, member);
      const at = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (given !== undefined) return misfitIn(member.type, given, at);
      return member.isRequired ? `\`${at}\`: is required` : undefined;
    });
  }
  return project(type, value) === undefined ? `\`${path}\`: is no \`${type.kind}\` that policies can read` : undefined;
}

function firstOf<T>(items: Iterable<T>, find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
