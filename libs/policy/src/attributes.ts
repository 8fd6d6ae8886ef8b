import type { Evaluator } from './evaluator.js';
import { asEntity, asString, EntityRef, EvaluationError, isRecord, missingAttribute, type Value } from './values.js';

const NOT_A_RECORD = new EvaluationError('type error: expected record or entity');
const NO_SUCH_ENTITY = new EvaluationError('the entity does not exist');
const NO_SUCH_TAG = new EvaluationError('the entity does not have the tag');
const NULL_ATTRIBUTE = new EvaluationError('type error: null is not a value');

/** Reads an attribute of a record or an entity. */
export function attributeOf(owner: Evaluator, attribute: string): Evaluator {
  const missing = missingAttribute(attribute);
  const isInherited = isInheritedName(attribute);
  return (e) => {
    const members = membersOf(owner(e));
    if (isInherited && !Object.hasOwn(members, attribute)) throw missing;
    return present(members[attribute], missing);
  };
}

/** The hot path: `context.attribute`. Undefined when the name needs the care that `attributeOf` takes. */
export function contextAttribute(attribute: string): Evaluator | undefined {
  if (isInheritedName(attribute)) return undefined;
  const missing = missingAttribute(attribute);
  return (e) => present(e.context[attribute], missing);
}

/** The other one: `context.group.attribute`. */
export function contextGroupAttribute(group: string, attribute: string): Evaluator | undefined {
  if (isInheritedName(group) || isInheritedName(attribute)) return undefined;
  const missingGroup = missingAttribute(group);
  const missing = missingAttribute(attribute);
  return (e) => {
    const record = present(e.context[group], missingGroup);
    if (!isRecord(record)) throw NOT_A_RECORD;
    return present(record[attribute], missing);
  };
}

/** `has` of an attribute, or of one inside of another. */
export function hasPath(owner: Evaluator, path: readonly string[]): Evaluator {
  return (e) => {
    let value = owner(e);
    for (const attribute of path) {
      // An entity that nobody declared has no attributes; reading one is an error, asking is not.
      if (value instanceof EntityRef && value.attributes === undefined) return false;
      const members = membersOf(value);
      if (!Object.hasOwn(members, attribute) || members[attribute] === undefined) return false;
      value = members[attribute];
    }
    return true;
  };
}

export function hasTag(entity: Value, name: Value): boolean {
  return asEntity(entity).tags.has(asString(name));
}

export function getTag(value: Value, name: Value): Value {
  const entity = asEntity(value);
  const tag = entity.tags.get(asString(name));
  if (tag === undefined) throw entity.attributes === undefined ? NO_SUCH_ENTITY : NO_SUCH_TAG;
  return tag;
}

/** Names such as `constructor` are on every object's prototype: they must be its own. */
export function isInheritedName(attribute: string): boolean {
  return attribute in Object.prototype;
}

function present(value: Value, missing: EvaluationError): Value {
  if (value === undefined) throw missing;
  if (value === null) throw NULL_ATTRIBUTE;
  return value;
}

function membersOf(value: Value): Readonly<Record<string, Value>> {
  if (value instanceof EntityRef) {
    if (value.attributes === undefined) throw NO_SUCH_ENTITY;
    return value.attributes;
  }
  if (!isRecord(value)) throw NOT_A_RECORD;
  return value;
}
