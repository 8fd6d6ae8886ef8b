import type { Json, Predicate, RecordSetField, RecordTextField } from '#writ/contracts';
import { RECORD_SET_FIELDS, RECORD_TEXT_FIELDS } from '#writ/contracts';
import { compileExpression, type Environment, type Evaluator } from './compile-expression.js';
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
import { and, FALSE, not, or, TRUE } from './predicates.js';
import { asEntity, elementsOf, EntityRef, EvaluationError, isIn, Unsupported, type Value } from './values.js';

export const RECORD_TYPE = 'Record';

/**
 * What a condition comes to over a Record that is not known yet: the records for which it is true and those for which it
 * is false. For the others it is an error.
 */
export interface Outcome {
  readonly ifTrue: Predicate;
  readonly ifFalse: Predicate;
}

/** A condition with everything but the record filled in. `environment.resource` is a Record with the parent alone. */
export type PartialEvaluator = (environment: Environment) => Outcome;

/** Thrown when the values at hand have no translation. */
export class Untranslatable extends Error {}

const ALWAYS: Outcome = { ifTrue: TRUE, ifFalse: FALSE };
const NEVER: Outcome = { ifTrue: FALSE, ifFalse: TRUE };
const ERRS: Outcome = { ifTrue: FALSE, ifFalse: FALSE };
const VALUES_MAX = 1000;

/**
 * Compiles a condition over an unknown Record to one that yields predicates. Throws Unsupported for what no predicate can
 * say, so that it is refused at load.
 */
export function compilePartial(node: Json, store: EntityStore): PartialEvaluator {
  if (!mentionsResource(node)) return known(compileExpression(node, store));
  const { operator, operands } = readExpression(node);
  const sub = (name: string): PartialEvaluator => compilePartial(operand(operands, name), store);
  switch (operator) {
    case '&&':
      return compileAnd(sub('left'), sub('right'));
    case '||':
      return compileOr(sub('left'), sub('right'));
    case '!':
      return compileNot(sub('arg'));
    case 'if-then-else':
      return compileConditional(sub('if'), sub('then'), sub('else'));
    default:
      return compileTest(operator, operands, store);
  }
}

export function conjunction(parts: readonly PartialEvaluator[]): PartialEvaluator {
  return parts.reduce(compileAnd, () => ALWAYS);
}

export function compileNot(arg: PartialEvaluator): PartialEvaluator {
  return (e) => {
    const { ifTrue, ifFalse } = arg(e);
    return { ifTrue: ifFalse, ifFalse: ifTrue };
  };
}

/** A test that has an answer for every record. */
function total(predicate: Predicate): Outcome {
  return { ifTrue: predicate, ifFalse: not(predicate) };
}

function isTotal({ ifTrue, ifFalse }: Outcome): boolean {
  return (ifFalse.op === 'not' && ifFalse.arg === ifTrue) || (ifTrue.op === 'not' && ifTrue.arg === ifFalse);
}

function known(evaluate: Evaluator): PartialEvaluator {
  return (e) => {
    try {
      const value = evaluate(e);
      return value === true ? ALWAYS : value === false ? NEVER : ERRS;
    } catch (thrown) {
      if (thrown instanceof EvaluationError) return ERRS;
      throw thrown;
    }
  };
}

/** The left operand decides first: an error there is an error, whatever the right one says. */
function compileAnd(left: PartialEvaluator, right: PartialEvaluator): PartialEvaluator {
  return (e) => {
    const [a, b] = [left(e), right(e)];
    if (isTotal(a) && isTotal(b)) return total(and([a.ifTrue, b.ifTrue]));
    return { ifTrue: and([a.ifTrue, b.ifTrue]), ifFalse: or([a.ifFalse, and([a.ifTrue, b.ifFalse])]) };
  };
}

function compileOr(left: PartialEvaluator, right: PartialEvaluator): PartialEvaluator {
  return (e) => {
    const [a, b] = [left(e), right(e)];
    if (isTotal(a) && isTotal(b)) return total(or([a.ifTrue, b.ifTrue]));
    return { ifTrue: or([a.ifTrue, and([a.ifFalse, b.ifTrue])]), ifFalse: and([a.ifFalse, b.ifFalse]) };
  };
}

function compileConditional(
  condition: PartialEvaluator,
  then: PartialEvaluator,
  otherwise: PartialEvaluator,
): PartialEvaluator {
  return (e) => {
    const [c, a, b] = [condition(e), then(e), otherwise(e)];
    return {
      ifTrue: or([and([c.ifTrue, a.ifTrue]), and([c.ifFalse, b.ifTrue])]),
      ifFalse: or([and([c.ifTrue, a.ifFalse]), and([c.ifFalse, b.ifFalse])]),
    };
  };
}

type Field =
  { readonly kind: 'text'; readonly name: RecordTextField } | { readonly kind: 'set'; readonly name: RecordSetField };

function compileTest(operator: string, operands: Json, store: EntityStore): PartialEvaluator {
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

/** Runs a test whose known operand may error: then the test is an error for every record. */
function withValue(evaluate: Evaluator, test: (value: Value, environment: Environment) => Outcome): PartialEvaluator {
  return (e) => {
    try {
      return test(evaluate(e), e);
    } catch (thrown) {
      if (thrown instanceof EvaluationError) return ERRS;
      throw thrown;
    }
  };
}

function compileEquality(operands: Json, store: EntityStore): PartialEvaluator {
  const [left, right] = [operand(operands, 'left'), operand(operands, 'right')];
  const isLeft = mentionsResource(left);
  const field = fieldOf(isLeft ? left : right);
  if (field === undefined) throw new Unsupported('a comparison of anything of the record but id, owner and labels');
  return withValue(knownOperand(isLeft ? right : left, store), (value) => {
    if (field.kind === 'text') return isText(value) ? total({ op: 'eq', field: field.name, value }) : NEVER;
    if (!isSetValue(value)) return NEVER;
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
    if (operator === 'containsAny') return texts.length === 0 ? NEVER : total({ op: 'containsAny', field, values: texts });
    if (!isLeft) return total({ op: 'subsetOf', field, values: texts });
    // A record's labels are text: a set with anything else in it cannot be among them.
    return values.every(isText) ? total({ op: 'containsAll', field, values: texts }) : NEVER;
  });
}

function isText(value: Value): value is string {
  return typeof value === 'string';
}

function isSetValue(value: Value): boolean {
  return typeof value === 'object' && value !== null && (Array.isArray(value) || 'elements' in value);
}

function limited(values: readonly string[]): readonly string[] {
  const distinct = [...new Set(values)];
  if (distinct.length > VALUES_MAX) throw new Untranslatable(`a set has more than ${VALUES_MAX} elements`);
  return distinct;
}
