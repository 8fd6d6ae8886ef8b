/** Values of Cedar at run time. Context stays the parsed JSON of the request: arrays are sets, objects are records. */
export type Value = unknown;

/** A Cedar evaluation error. It is a value of the language, not a fault: a permit does not fire, a forbid denies. */
export class EvaluationError extends Error {}

/** The policy uses something that is not implemented here. It is refused at load, never approximated. */
export class Unsupported extends Error {}

const NO_TAGS: ReadonlyMap<string, Value> = new Map();

export class EntityRef {
  attributes: Readonly<Record<string, Value>> | undefined;
  tags: ReadonlyMap<string, Value> = NO_TAGS;
  parents: readonly EntityRef[] = [];
  ancestors: ReadonlySet<EntityRef> = new Set();
  /** What candidate lists are cached under: itself when declared, else a stand-in for all like it. Undefined: not cached. */
  candidateKey: EntityRef | undefined = this;
  /** Stands for all entities of a type that no policy and no entity data names. */
  isStandIn = false;
  #uid: string | undefined;

  constructor(
    readonly type: string,
    readonly id: string,
    /** Declared in the entity data or named in a policy, so one object stands for it everywhere. */
    readonly isInterned: boolean,
  ) {}

  /** The id is quoted, because `Mcp::"Tool::x"` and `Mcp::Tool::"x"` are two entities. */
  get uid(): string {
    return (this.#uid ??= `${this.type}::${JSON.stringify(this.id)}`);
  }
}

/** A set that was built from a literal, or indexed because it is long. Only sets of plain values have an index. */
export class CedarSet {
  readonly index: ReadonlySet<Value> | undefined;
  /** The keys of its sets and records, once somebody looked for one among them. */
  nestedKeys: ReadonlySet<string> | undefined;

  constructor(readonly elements: readonly Value[]) {
    this.index = elements.every((element) => typeof element !== 'object') ? new Set(elements) : undefined;
  }
}

/**
 * A value of an extension type. Policies, entity data and arguments that the schema of a tool types so make one; nothing that
 * a request says of itself does.
 */
export class ExtensionValue {
  constructor(
    readonly type: 'ipaddr' | 'decimal' | 'datetime' | 'duration',
    /** The address, ten-thousandths, milliseconds since 1970, or milliseconds. */
    readonly number: bigint,
    /** Of an address: its own length and that of its network prefix. */
    readonly bits = 0,
    readonly prefix = 0,
  ) {}
}

// Thrown again and again: making an Error captures a stack, which costs more than the decision.
const EXPECTED_BOOL = new EvaluationError('type error: expected bool');
const EXPECTED_LONG = new EvaluationError('type error: expected long');
const EXPECTED_COMPARABLE = new EvaluationError('type error: expected two of long, datetime or duration');
const EXPECTED_STRING = new EvaluationError('type error: expected string');
const EXPECTED_SET = new EvaluationError('type error: expected set');
const EXPECTED_ENTITY = new EvaluationError('type error: expected entity');
const OVERFLOW = new EvaluationError('integer overflow: beyond 2^53');

const TEXT_TOO_LONG = new EvaluationError('text too long for a value of an extension type');
const INT64_OVERFLOW = new EvaluationError('integer overflow: beyond 64 bits');

const missing = new Map<string, EvaluationError>();

/** The error of reading an attribute that is not there. Names are those of policies, so there are few. */
export function missingAttribute(name: string): EvaluationError {
  let error = missing.get(name);
  if (error === undefined) missing.set(name, (error = new EvaluationError(`does not have the attribute \`${name}\``)));
  return error;
}

export function asBool(value: Value): boolean {
  if (value === true || value === false) return value;
  throw EXPECTED_BOOL;
}

export function asLong(value: Value): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw EXPECTED_LONG;
}

export function asString(value: Value): string {
  if (typeof value === 'string') return value;
  throw EXPECTED_STRING;
}

export function asEntity(value: Value): EntityRef {
  if (value instanceof EntityRef) return value;
  throw EXPECTED_ENTITY;
}

/**
 * Text that a constructor of an extension type is to read. The caller of a tool may have chosen it: it is measured before any
 * pattern runs over it.
 */
export function textToRead(text: string, charactersMax: number): string {
  if (text.length > charactersMax) throw TEXT_TOO_LONG;
  return text;
}

/** Elements of a set, in any order and possibly repeated. */
export function elementsOf(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (value instanceof CedarSet) return value.elements;
  throw EXPECTED_SET;
}

/** The result of arithmetic. Cedar computes in 64 bits; a double is exact to 2^53, so beyond it is an error. */
export function checkedLong(value: number): number {
  if (!Number.isSafeInteger(value)) throw OVERFLOW;
  return value === 0 ? 0 : value;
}

/** The result of arithmetic of extension types, which is exact to 64 bits. */
export function checkedInt64(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw INT64_OVERFLOW;
  return value;
}

export function isSet(value: Value): value is readonly Value[] | CedarSet {
  return Array.isArray(value) || value instanceof CedarSet;
}

export function isRecord(value: Value): value is Readonly<Record<string, Value>> {
  if (typeof value !== 'object' || value === null || isSet(value)) return false;
  return !(value instanceof EntityRef) && !(value instanceof ExtensionValue);
}

export function isSameEntity(a: EntityRef, b: EntityRef): boolean {
  return a === b || (a.id === b.id && a.type === b.type);
}

/**
 * Negative, zero or positive as the left one is less, equal or more. Longs, datetimes and durations have an order that `<`
 * knows; decimals have methods instead.
 */
export function compareValues(left: Value, right: Value): number {
  if (!(left instanceof ExtensionValue && right instanceof ExtensionValue)) return asLong(left) - asLong(right);
  if (left.type !== right.type || (left.type !== 'datetime' && left.type !== 'duration')) throw EXPECTED_COMPARABLE;
  return left.number < right.number ? -1 : left.number > right.number ? 1 : 0;
}

/** Cedar's `in`: the entity itself, or below it; with a set, in any of its entities. */
export function isIn(value: Value, target: Value): boolean {
  const entity = asEntity(value);
  if (target instanceof EntityRef) return isBelow(entity, target);
  const targets = elementsOf(target);
  for (const element of targets) asEntity(element);
  return targets.some((element) => isBelow(entity, element as EntityRef));
}

function isBelow(entity: EntityRef, ancestor: EntityRef): boolean {
  if (isSameEntity(entity, ancestor) || entity.ancestors.has(ancestor)) return true;
  if (ancestor.isInterned) return false;
  for (const candidate of entity.ancestors) if (isSameEntity(candidate, ancestor)) return true;
  return false;
}
