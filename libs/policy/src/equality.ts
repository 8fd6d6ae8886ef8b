import {
  CedarSet,
  elementsOf,
  EntityRef,
  EvaluationError,
  ExtensionValue,
  isRecord,
  isSameEntity,
  isSet,
  type Value,
} from './values.js';

const NULL_VALUE = new EvaluationError('type error: null is not a value');

/** Cedar's `==`: never an error, values of different types are different, sets compare without order or repetition. */
export function isEqual(a: Value, b: Value): boolean {
  if (a === null || b === null) throw NULL_VALUE;
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (a instanceof EntityRef || b instanceof EntityRef) {
    return a instanceof EntityRef && b instanceof EntityRef && isSameEntity(a, b);
  }
  if (isSet(a) || isSet(b)) return isSet(a) && isSet(b) && hasAll(a, b) && hasAll(b, a);
  if (a instanceof ExtensionValue || b instanceof ExtensionValue) {
    return a instanceof ExtensionValue && b instanceof ExtensionValue && isSameExtensionValue(a, b);
  }
  const left = a as Readonly<Record<string, Value>>;
  const right = b as Readonly<Record<string, Value>>;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && isEqual(left[key], right[key]));
}

/** Whether the set has the element. */
export function hasElement(set: Value, element: Value): boolean {
  if (typeof element !== 'object') return hasPlain(set, element);
  return isNested(element) ? hasKey(elementsOf(set), keyOf(element)) : hasScanned(elementsOf(set), element);
}

export function hasAll(set: Value, wanted: Value): boolean {
  const has = membersOf(set);
  return elementsOf(wanted).every(has);
}

export function hasAny(set: Value, wanted: Value): boolean {
  const has = membersOf(set);
  return elementsOf(wanted).some(has);
}

const SCAN_MAX = 16;

/**
 * Whether a value is in the set, for many values. An attacker chooses the arrays of a context: two long ones must not cost their
 * product, nor nested ones a power of their depth, so sets, records and values of extension types are found by their key.
 */
function membersOf(set: Value): (element: Value) => boolean {
  const isLong = Array.isArray(set) && set.length > SCAN_MAX;
  const indexed = isLong ? new CedarSet(set) : set;
  const elements = elementsOf(indexed);
  let keys = indexed instanceof CedarSet ? indexed.nestedKeys : undefined;
  return (element) => {
    if (typeof element !== 'object') return hasPlain(indexed, element);
    if (!isKeyed(element)) return hasScanned(elements, element);
    if (keys === undefined) {
      keys = new Set(elements.filter(isKeyed).map(keyOf));
      if (indexed instanceof CedarSet) indexed.nestedKeys = keys;
    }
    return keys.has(keyOf(element));
  };
}

function hasPlain(set: Value, element: Value): boolean {
  if (set instanceof CedarSet && set.index !== undefined) return set.index.has(element);
  return Array.isArray(set) ? set.includes(element) : hasScanned(elementsOf(set), element);
}

/** For entities, which only policies and entity data list, so their number has a bound; and for one value among few. */
function hasScanned(elements: readonly Value[], element: Value): boolean {
  return elements.some((member) => isEqual(member, element));
}

function hasKey(elements: readonly Value[], key: string): boolean {
  return elements.some((member) => isNested(member) && keyOf(member) === key);
}

function isKeyed(value: Value): boolean {
  return isNested(value) || value instanceof ExtensionValue;
}

function isNested(value: Value): boolean {
  if (value === null) throw NULL_VALUE;
  return isSet(value) || isRecord(value);
}

/** Text that equal values share and no others: members of a record by name, elements of a set once each, both in order. */
function keyOf(value: Value): string {
  if (value === null) throw NULL_VALUE;
  if (typeof value !== 'object') return typeof value === 'string' ? JSON.stringify(value) : String(value);
  if (value instanceof EntityRef) return `${value.type}::${JSON.stringify(value.id)}`;
  if (value instanceof ExtensionValue) return `${value.type}(${value.number},${value.bits},${value.prefix})`;
  if (isSet(value)) return `[${[...new Set(elementsOf(value).map(keyOf))].sort().join()}]`;
  const members = Object.entries(value as Readonly<Record<string, Value>>);
  return `{${members
    .map(([name, member]) => `${JSON.stringify(name)}:${keyOf(member)}`)
    .sort()
    .join()}}`;
}

function isSameExtensionValue(a: ExtensionValue, b: ExtensionValue): boolean {
  return a.type === b.type && a.number === b.number && a.bits === b.bits && a.prefix === b.prefix;
}
