import type { Json, JsonObject } from '#writ/contracts';
import type { EntityStore } from './entity-store.js';
import {
  attributePath,
  attributesOfHas,
  isObject,
  listOperand,
  mentionsVariable,
  operand,
  optionalOperand,
  patternOf,
  readExpression,
  textOperand,
} from './expression.js';
import { callExtension, EXTENSION_FUNCTIONS, type ExtensionFunction } from './extension-functions.js';
import { compileLike } from './like-pattern.js';
import {
  asBool,
  asEntity,
  asLong,
  asString,
  CedarSet,
  checkedLong,
  compareValues,
  elementsOf,
  EntityRef,
  EvaluationError,
  hasAll,
  hasAny,
  hasElement,
  isEqual,
  isIn,
  isRecord,
  missingAttribute,
  Unsupported,
  type Value,
} from './values.js';

/** What an expression is evaluated against. The context is attacker-controlled, typed by the tool's schema before. */
export interface Environment {
  readonly principal: EntityRef;
  readonly action: EntityRef;
  readonly resource: EntityRef;
  readonly context: JsonObject;
}

/** A compiled expression. Throws EvaluationError where Cedar's evaluator errors. */
export type Evaluator = (environment: Environment) => Value;
type OperatorCompiler = (operands: Json, store: EntityStore) => Evaluator;

/** Compiles one Cedar expression to a closure. Throws Unsupported for what is not implemented: it is never approximated. */
export function compileExpression(node: Json, store: EntityStore): Evaluator {
  const { operator, operands } = readExpression(node);
  const compiler = OPERATORS.get(operator);
  if (compiler === undefined) throw new Unsupported(`\`${operator}\``);
  return compiler(operands, store);
}

const OPERATORS: ReadonlyMap<string, OperatorCompiler> = new Map<string, OperatorCompiler>([
  ['Value', (operands, store) => constant(store.literal(operands))],
  ['Var', compileVariable],
  ['.', compileAttribute],
  ['has', compileHas],
  ['==', compileEqual],
  ['!=', binary((left, right) => (e) => !isEqual(left(e), right(e)))],
  ['!', unary((arg) => (e) => !asBool(arg(e)))],
  ['neg', unary((arg) => (e) => checkedLong(0 - asLong(arg(e))))],
  ['&&', binary((left, right) => (e) => (asBool(left(e)) ? asBool(right(e)) : false))],
  ['||', binary((left, right) => (e) => (asBool(left(e)) ? true : asBool(right(e))))],
  ['<', binary((left, right) => (e) => compareValues(left(e), right(e)) < 0)],
  ['<=', binary((left, right) => (e) => compareValues(left(e), right(e)) <= 0)],
  ['>', binary((left, right) => (e) => compareValues(left(e), right(e)) > 0)],
  ['>=', binary((left, right) => (e) => compareValues(left(e), right(e)) >= 0)],
  ['+', binary((left, right) => (e) => checkedLong(asLong(left(e)) + asLong(right(e))))],
  ['-', binary((left, right) => (e) => checkedLong(asLong(left(e)) - asLong(right(e))))],
  ['*', binary((left, right) => (e) => checkedLong(asLong(left(e)) * asLong(right(e))))],
  ['in', binary((left, right) => (e) => isIn(left(e), right(e)))],
  ['is', compileIs],
  ['contains', binary((left, right) => (e) => containsElement(left(e), right(e)))],
  ['containsAll', binary((left, right) => (e) => hasAll(left(e), right(e)))],
  ['containsAny', binary((left, right) => (e) => hasAny(left(e), right(e)))],
  ['isEmpty', unary((arg) => (e) => elementsOf(arg(e)).length === 0)],
  ['like', compileLikeOperator],
  ['if-then-else', compileConditional],
  ['Set', compileSet],
  ['Record', compileRecord],
  ['hasTag', binary((left, right) => (e) => asEntity(left(e)).tags.has(asString(right(e))))],
  ['getTag', binary((left, right) => (e) => getTag(asEntity(left(e)), asString(right(e))))],
  ...[...EXTENSION_FUNCTIONS].map(([name, called]) => [name, extensionCall(called)] as const),
]);

function constant(value: Value): Evaluator {
  return () => value;
}

function unary(build: (arg: Evaluator) => Evaluator): OperatorCompiler {
  return (operands, store) => build(compileExpression(operand(operands, 'arg'), store));
}

function binary(build: (left: Evaluator, right: Evaluator) => Evaluator): OperatorCompiler {
  return (operands, store) => {
    const left = compileExpression(operand(operands, 'left'), store);
    return build(left, compileExpression(operand(operands, 'right'), store));
  };
}

function compileVariable(name: Json): Evaluator {
  switch (name) {
    case 'principal':
      return (e) => e.principal;
    case 'action':
      return (e) => e.action;
    case 'resource':
      return (e) => e.resource;
    case 'context':
      return (e) => e.context;
    default:
      throw new Unsupported(`the variable ${JSON.stringify(name)}`);
  }
}

const NOT_A_RECORD = new EvaluationError('type error: expected record or entity');
const NO_SUCH_ENTITY = new EvaluationError('the entity does not exist');
const NO_SUCH_TAG = new EvaluationError('the entity does not have the tag');
const NULL_ATTRIBUTE = new EvaluationError('type error: null is not a value');

function compileAttribute(operands: Json, store: EntityStore): Evaluator {
  const attribute = textOperand(operands, 'attr');
  const left = operand(operands, 'left');
  const missing = missingAttribute(attribute);
  // Names such as `constructor` are on every object's prototype: they must be its own.
  const isInherited = attribute in Object.prototype;
  const path = attributePath(left);
  if (path?.variable === 'context' && path.path.length < 2 && !isInherited) {
    return compileContextPath(path.path[0], attribute, missing);
  }
  const record = compileExpression(left, store);
  return (e) => {
    const owner = membersOf(record(e));
    if (isInherited && !Object.hasOwn(owner, attribute)) throw missing;
    return present(owner[attribute], missing);
  };
}

/** The hot path: `context.attribute` and `context.group.attribute`. */
function compileContextPath(group: string | undefined, attribute: string, missing: EvaluationError): Evaluator {
  if (group === undefined) return (e) => present(e.context[attribute], missing);
  const missingGroup = missingAttribute(group);
  const isInherited = group in Object.prototype;
  return (e) => {
    if (isInherited && !Object.hasOwn(e.context, group)) throw missingGroup;
    const record = present(e.context[group], missingGroup);
    if (!isRecord(record)) throw NOT_A_RECORD;
    return present(record[attribute], missing);
  };
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

function compileHas(operands: Json, store: EntityStore): Evaluator {
  const record = compileExpression(operand(operands, 'left'), store);
  const path = attributesOfHas(operands);
  return (e) => {
    let value = record(e);
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

function compileEqual(operands: Json, store: EntityStore): Evaluator {
  const left = compileExpression(operand(operands, 'left'), store);
  const right = operand(operands, 'right');
  const literal = isObject(right) ? right['Value'] : undefined;
  if (literal !== undefined && typeof literal !== 'object') {
    const wanted = store.literal(literal);
    return (e) => left(e) === wanted;
  }
  const other = compileExpression(right, store);
  return (e) => isEqual(left(e), other(e));
}

function compileIs(operands: Json, store: EntityStore): Evaluator {
  const left = compileExpression(operand(operands, 'left'), store);
  const type = textOperand(operands, 'entity_type');
  const within = optionalOperand(operands, 'in');
  if (within === undefined) return (e) => asEntity(left(e)).type === type;
  const target = compileExpression(within, store);
  return (e) => {
    const entity = asEntity(left(e));
    return entity.type === type ? isIn(entity, target(e)) : false;
  };
}

function getTag(entity: EntityRef, name: string): Value {
  const tag = entity.tags.get(name);
  if (tag === undefined) throw entity.attributes === undefined ? NO_SUCH_ENTITY : NO_SUCH_TAG;
  return tag;
}

/** A call whose arguments are constant is made once: reading the text of an address or a date costs more than the rest. */
function extensionCall(extensionFunction: ExtensionFunction): OperatorCompiler {
  return (operands, store) => {
    const nodes = listOperand(operands);
    const args = nodes.map((node) => compileExpression(node, store));
    const call: Evaluator = (e) =>
      callExtension(
        extensionFunction,
        args.map((arg) => arg(e)),
      );
    return nodes.some(mentionsVariable) ? call : once(call);
  };
}

/** Evaluates when it is first asked; a value, or an error, that no request can change. */
function once(evaluate: Evaluator): Evaluator {
  let outcome: { readonly value: Value } | { readonly error: EvaluationError } | undefined;
  return (e) => {
    outcome ??= outcomeOf(evaluate, e);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  };
}

function outcomeOf(
  evaluate: Evaluator,
  environment: Environment,
): { readonly value: Value } | { readonly error: EvaluationError } {
  try {
    return { value: evaluate(environment) };
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return { error: thrown };
    throw thrown;
  }
}

function containsElement(set: Value, element: Value): boolean {
  elementsOf(set);
  return hasElement(set, element);
}

function compileLikeOperator(operands: Json, store: EntityStore): Evaluator {
  const left = compileExpression(operand(operands, 'left'), store);
  const matches = compileLike(patternOf(operands));
  return (e) => matches(asString(left(e)));
}

function compileConditional(operands: Json, store: EntityStore): Evaluator {
  const [condition, then, otherwise] = (['if', 'then', 'else'] as const).map((name) =>
    compileExpression(operand(operands, name), store),
  ) as [Evaluator, Evaluator, Evaluator];
  return (e) => (asBool(condition(e)) ? then(e) : otherwise(e));
}

function compileSet(operands: Json, store: EntityStore): Evaluator {
  const members = listOperand(operands);
  const elements = members.map((member) => compileExpression(member, store));
  const isConstant = members.every((member) => isObject(member) && 'Value' in member);
  if (isConstant) return constant(new CedarSet(members.map((member) => store.literal(operand(member, 'Value')))));
  return (e) => new CedarSet(elements.map((element) => element(e)));
}

function compileRecord(operands: Json, store: EntityStore): Evaluator {
  if (!isObject(operands)) throw new Unsupported('a record that is not an object');
  if (Object.hasOwn(operands, '__proto__')) throw new Unsupported('the attribute `__proto__`');
  const members = Object.entries(operands).map(([key, node]) => [key, compileExpression(node, store)] as const);
  return (e) => Object.fromEntries(members.map(([key, member]) => [key, member(e)]));
}
