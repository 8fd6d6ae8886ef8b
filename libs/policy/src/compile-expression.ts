import type { Json } from '#writ/contracts';
import { attributeOf, contextAttribute, contextGroupAttribute, getTag, hasPath, hasTag } from './attributes.js';
import { type ClauseTest, clauseTest } from './clause-test.js';
import { compileCall } from './compile-call.js';
import type { EntityStore } from './entity-store.js';
import { hasAll, hasAny, hasElement, isEqual } from './equality.js';
import type { Evaluator } from './evaluator.js';
import {
  attributePath,
  attributesOfHas,
  isObject,
  listOperand,
  literalOf,
  mentionsVariable,
  operand,
  optionalOperand,
  patternOf,
  readExpression,
  textOperand,
} from './expression.js';
import { EXTENSION_FUNCTIONS, type ExtensionFunction } from './extension-functions.js';
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
  isIn,
  Unsupported,
  type Value,
} from './values.js';

export type { Environment, Evaluator } from './evaluator.js';
type OperatorCompiler = (operands: Json, store: EntityStore) => Evaluator;

/**
 * Compiles one Cedar expression to a closure. Throws Unsupported for what is not implemented: it is never approximated.
 * One object is one closure, whichever policies it is in: what many policies ask stays in the processor's cache.
 */
export function compileExpression(node: Json, store: EntityStore): Evaluator {
  const { evaluators } = compiledFor(store);
  let evaluator = evaluators.get(node);
  if (evaluator === undefined) evaluators.set(node, (evaluator = compileOperator(node, store)));
  return evaluator;
}

/** Compiles a part of a policy that has to be true (`when`) or false (`unless`). Throws Unsupported as `compileExpression` does. */
export function compileTest(node: Json, wanted: boolean, store: EntityStore): ClauseTest {
  const { whens, unlesses } = compiledFor(store);
  const tests = wanted ? whens : unlesses;
  let test = tests.get(node);
  if (test === undefined) tests.set(node, (test = clauseTest(node, wanted, compileExpression(node, store))));
  return test;
}

interface Compiled {
  readonly evaluators: Map<Json, Evaluator>;
  readonly whens: Map<Json, ClauseTest>;
  readonly unlesses: Map<Json, ClauseTest>;
}

/** By store, because literals are its entities. */
const compiled = new WeakMap<EntityStore, Compiled>();

function compiledFor(store: EntityStore): Compiled {
  let known = compiled.get(store);
  if (known === undefined) {
    known = { evaluators: new Map(), whens: new Map(), unlesses: new Map() };
    compiled.set(store, known);
  }
  return known;
}

function compileOperator(node: Json, store: EntityStore): Evaluator {
  const { operator, operands } = readExpression(node);
  const compiler = OPERATORS.get(operator);
  if (compiler === undefined) throw new Unsupported(`\`${operator}\``);
  return compiler(operands, store);
}

const OPERATORS: ReadonlyMap<string, OperatorCompiler> = new Map<string, OperatorCompiler>([
  ['Value', (operands, store) => constant(store.literal(operands))],
  ['Var', compileVariable],
  ['.', compileAttribute],
  ['has', (operands, store) => hasPath(compileExpression(operand(operands, 'left'), store), attributesOfHas(operands))],
  ['==', compileEqual],
  ['!=', (operands, store) => negation(compileEqual(operands, store))],
  ['!', unary(negation)],
  ['neg', unary((arg) => (e) => checkedLong(0 - asLong(arg(e))))],
  ['&&', binary((left, right) => (e) => (asBool(left(e)) ? asBool(right(e)) : false))],
  ['||', binary((left, right) => (e) => (asBool(left(e)) ? true : asBool(right(e))))],
  [
    '<',
    comparison(
      (left, right) => (e) => compareValues(left(e), right(e)) < 0,
      (left, limit) => (e) => asLong(left(e)) < limit,
    ),
  ],
  [
    '<=',
    comparison(
      (left, right) => (e) => compareValues(left(e), right(e)) <= 0,
      (left, limit) => (e) => asLong(left(e)) <= limit,
    ),
  ],
  [
    '>',
    comparison(
      (left, right) => (e) => compareValues(left(e), right(e)) > 0,
      (left, limit) => (e) => asLong(left(e)) > limit,
    ),
  ],
  [
    '>=',
    comparison(
      (left, right) => (e) => compareValues(left(e), right(e)) >= 0,
      (left, limit) => (e) => asLong(left(e)) >= limit,
    ),
  ],
  ['+', binary((left, right) => (e) => checkedLong(asLong(left(e)) + asLong(right(e))))],
  ['-', binary((left, right) => (e) => checkedLong(asLong(left(e)) - asLong(right(e))))],
  ['*', binary((left, right) => (e) => checkedLong(asLong(left(e)) * asLong(right(e))))],
  ['in', binary((left, right) => (e) => isIn(left(e), right(e)))],
  ['is', compileIs],
  ['contains', binary((left, right) => (e) => hasElement(left(e), right(e)))],
  ['containsAll', binary((left, right) => (e) => hasAll(left(e), right(e)))],
  ['containsAny', binary((left, right) => (e) => hasAny(left(e), right(e)))],
  ['isEmpty', unary((arg) => (e) => elementsOf(arg(e)).length === 0)],
  ['like', compileLikeOperator],
  ['if-then-else', compileConditional],
  ['Set', compileSet],
  ['Record', compileRecord],
  ['hasTag', binary((left, right) => (e) => hasTag(left(e), right(e)))],
  ['getTag', binary((left, right) => (e) => getTag(left(e), right(e)))],
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

function negation(arg: Evaluator): Evaluator {
  return (e) => !asBool(arg(e));
}

/** With a limit that the policy states there is one operand less to evaluate, and one type less to expect. */
function comparison(
  build: (left: Evaluator, right: Evaluator) => Evaluator,
  buildWithLimit: (left: Evaluator, limit: number) => Evaluator,
): OperatorCompiler {
  return (operands, store) => {
    const left = compileExpression(operand(operands, 'left'), store);
    const right = operand(operands, 'right');
    const literal = literalOf(right);
    const other = compileExpression(right, store);
    return typeof literal === 'number' ? buildWithLimit(left, literal) : build(left, other);
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

function compileAttribute(operands: Json, store: EntityStore): Evaluator {
  const attribute = textOperand(operands, 'attr');
  const left = operand(operands, 'left');
  const { variable, path = [] } = attributePath(left) ?? {};
  const [group, ...more] = path;
  const isShort = variable === 'context' && more.length === 0;
  const short = group === undefined ? contextAttribute(attribute) : contextGroupAttribute(group, attribute);
  return (isShort ? short : undefined) ?? attributeOf(compileExpression(left, store), attribute);
}

function compileEqual(operands: Json, store: EntityStore): Evaluator {
  const left = compileExpression(operand(operands, 'left'), store);
  const right = operand(operands, 'right');
  const literal = literalOf(right);
  const other = compileExpression(right, store);
  if (literal !== undefined) return (e) => left(e) === literal;
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

function extensionCall(extensionFunction: ExtensionFunction): OperatorCompiler {
  return (operands, store) => {
    const nodes = listOperand(operands);
    const args = nodes.map((node) => compileExpression(node, store));
    return compileCall(extensionFunction, args, !nodes.some(mentionsVariable));
  };
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
