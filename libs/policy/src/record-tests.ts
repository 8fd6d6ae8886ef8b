import {
  type Json,
  type Predicate,
  RECORD_SET_FIELDS,
  RECORD_TEXT_FIELDS,
  type RecordSetField,
  type RecordTextField,
} from '#writ/contracts';
import { compileExpression, type Evaluator } from './compile-expression.js';
import type { EntityStore } from './entity-store.js';
import {
  attributePath,
  attributesOfHas,
  mentionsResource,
  operand,
  optionalOperand,
  patternOf,
  readExpression,
  textOperand,
} from './expression.js';
import {
  ALWAYS,
  compileNot,
  NEVER,
  type PartialEvaluator,
  RECORD_TYPE,
  total,
  Untranslatable,
  withValue,
} from './outcome.js';
import { and } from './predicates.js';
import { asEntity, elementsOf, EntityRef, isIn, isSet, Unsupported, type Value } from './values.js';

const VALUES_MAX = 1000;

type Field =
  { readonly kind: 'text'; readonly name: RecordTextField } | { readonly kind: 'set'; readonly name: RecordSetField };

/** Compiles one test of an attribute of the record. Throws Unsupported for what no predicate can say. */
export function compileTest(operator: string, operands: Json, store: EntityStore): PartialEvaluator {
  switch (operator) {
    case '==':
      return compileEquality(operands, store);
    case '!=':
      return compileNot(compileEquality(operands, store));
    case 'has':
      return compileHas(operands);
    case 'is':
      return compileIs(operands, store);
    case 'in':
      requireResource(operand(operands, 'left'));
      return compileIn(operand(operands, 'right'), store);
    case 'like': {
      const field = textField(operand(operands, 'left'), 'like');
      const pattern = patternOf(operands);
      return () => total({ op: 'like', field, pattern });
    }
    case 'contains':
      return compileContains(operands, store);
    case 'containsAny':
    case 'containsAll':
      return compileContainsSeveral(operator, operands, store);
    case 'isEmpty': {
      const field = setField(operand(operands, 'arg'), 'isEmpty');
      return () => total({ op: 'isEmpty', field });
    }
    default:
      throw new Unsupported(`\`${operator}\` over an attribute of the record`);
  }
}

function fieldOf(node: Json): Field | undefined {
  if (!isAttributeOrVariable(node)) return undefined;
  const path = attributePath(node);
  const [name, ...more] = path?.path ?? [];
  if (path?.variable !== 'resource' || name === undefined || more.length > 0) return undefined;
  const text = RECORD_TEXT_FIELDS.find((field) => field === name);
  const set = RECORD_SET_FIELDS.find((field) => field === name);
  if (text !== undefined) return { kind: 'text', name: text };
  return set === undefined ? undefined : { kind: 'set', name: set };
}

function isAttributeOrVariable(node: Json): boolean {
  const { operator } = readExpression(node);
  return operator === '.' || operator === 'Var';
}

function textField(node: Json, operator: string): RecordTextField {
  const field = fieldOf(node);
  if (field?.kind !== 'text') throw new Unsupported(`\`${operator}\` over anything of the record but id and owner`);
  return field.name;
}

function setField(node: Json, operator: string): RecordSetField {
  const field = fieldOf(node);
  if (field?.kind !== 'set') throw new Unsupported(`\`${operator}\` over anything of the record but its labels`);
  return field.name;
}

function requireResource(node: Json): void {
  const { operator, operands } = readExpression(node);
  if (operator !== 'Var' || operands !== 'resource') throw new Unsupported('a test that is not of the record itself');
}

/** An operand that does not depend on the record. */
function knownOperand(node: Json, store: EntityStore): Evaluator {
  if (mentionsResource(node)) throw new Unsupported('a test between two attributes of the record');
  return compileExpression(node, store);
}

function compileEquality(operands: Json, store: EntityStore): PartialEvaluator {
  const [left, right] = [operand(operands, 'left'), operand(operands, 'right')];
  const isLeft = mentionsResource(left);
  const field = fieldOf(isLeft ? left : right);
  if (field === undefined) throw new Unsupported('a comparison of anything of the record but id, owner and labels');
  return withValue(knownOperand(isLeft ? right : left, store), (value) => {
    if (field.kind === 'text') return isText(value) ? total({ op: 'eq', field: field.name, value }) : NEVER;
    if (!isSet(value)) return NEVER;
    const values = elementsOf(value);
    if (!values.every(isText)) return NEVER;
    const distinct = limited(values);
    const all: Predicate = { op: 'containsAll', field: field.name, values: distinct };
    return total(and([all, { op: 'subsetOf', field: field.name, values: distinct }]));
  });
}

function compileHas(operands: Json): PartialEvaluator {
  requireResource(operand(operands, 'left'));
  const [attribute, ...more] = attributesOfHas(operands);
  if (more.length > 0) throw new Unsupported('`has` with a path over the record');
  const isThere = [...RECORD_TEXT_FIELDS, ...RECORD_SET_FIELDS].some((field) => field === attribute);
  return () => (isThere ? ALWAYS : NEVER);
}

function compileIs(operands: Json, store: EntityStore): PartialEvaluator {
  requireResource(operand(operands, 'left'));
  if (textOperand(operands, 'entity_type') !== RECORD_TYPE) return () => NEVER;
  const within = optionalOperand(operands, 'in');
  return within === undefined ? () => ALWAYS : compileIn(within, store);
}

/** The parent of the record is known, so every question about its ancestors has its answer. */
function compileIn(target: Json, store: EntityStore): PartialEvaluator {
  const literals = literalEntities(target);
  if (literals.some((type) => type === RECORD_TYPE)) throw new Unsupported('a single record');
  return withValue(knownOperand(target, store), (value, { resource }) => {
    const targets = value instanceof EntityRef ? [value] : elementsOf(value).map(asEntity);
    if (targets.some(({ type }) => type === RECORD_TYPE)) throw new Untranslatable('the test names a single record');
    return targets.some((entity) => isIn(resource, entity)) ? ALWAYS : NEVER;
  });
}

/** The types of the entities that an expression names. */
function literalEntities(node: Json): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  const own = '__entity' in node ? [textOperand(operand(node, '__entity'), 'type')] : [];
  return [...own, ...Object.values(node).flatMap(literalEntities)];
}

function compileContains(operands: Json, store: EntityStore): PartialEvaluator {
  const [set, element] = [operand(operands, 'left'), operand(operands, 'right')];
  if (mentionsResource(set)) {
    const field = setField(set, 'contains');
    return withValue(knownOperand(element, store), (value) =>
      isText(value) ? total({ op: 'contains', field, value }) : NEVER,
    );
  }
  const field = textField(element, 'contains');
  return withValue(knownOperand(set, store), (value) => {
    const values = limited(elementsOf(value).filter(isText));
    return values.length === 0 ? NEVER : total({ op: 'oneOf', field, values });
  });
}

function compileContainsSeveral(
  operator: 'containsAny' | 'containsAll',
  operands: Json,
  store: EntityStore,
): PartialEvaluator {
  const [left, right] = [operand(operands, 'left'), operand(operands, 'right')];
  const isLeft = mentionsResource(left);
  const field = setField(isLeft ? left : right, operator);
  return withValue(knownOperand(isLeft ? right : left, store), (value) => {
    const values = elementsOf(value);
    const texts = limited(values.filter(isText));
    if (operator === 'containsAny')
      return texts.length === 0 ? NEVER : total({ op: 'containsAny', field, values: texts });
    if (!isLeft) return total({ op: 'subsetOf', field, values: texts });
    // A record's labels are text: a set with anything else in it cannot be among them.
    return values.every(isText) ? total({ op: 'containsAll', field, values: texts }) : NEVER;
  });
}

function isText(value: Value): value is string {
  return typeof value === 'string';
}

function limited(values: readonly string[]): readonly string[] {
  const distinct = [...new Set(values)];
  if (distinct.length > VALUES_MAX) throw new Untranslatable(`a set has more than ${VALUES_MAX} elements`);
  return distinct;
}
