import type { Json } from '#writ/contracts';
import { isInheritedName } from './attributes.js';
import type { Environment, Evaluator, PolicyContext } from './evaluator.js';
import { attributePath, isObject, listOperand, literalOf, operand, patternOf, readExpression } from './expression.js';
import { compileLike } from './like-pattern.js';
import { asBool, isRecord, type Value } from './values.js';

type Literal = string | number | boolean;
type Comparison = '<' | '<=' | '>' | '>=';
type Kind = Comparison | '==' | '!=' | 'like' | 'has element' | 'is element' | 'any';

/** What a question asks about one argument. One shape for every kind, so that reading it is the same machine code for all. */
interface Question {
  readonly kind: Kind;
  /** The names of `context.first.second.third`; the path ends before the first that is undefined. */
  readonly first: string;
  readonly second: string | undefined;
  readonly third: string | undefined;
  /** For comparisons with a number. */
  readonly limit: number;
  readonly literal: Literal;
  readonly literals: ReadonlySet<unknown>;
  readonly matches: (text: string) => boolean;
}

/** One part of a policy that has to hold, ready to be asked. */
export interface ClauseTest extends Question {
  /** What the expression has to be: true for `when`, false for `unless`. */
  readonly wanted: boolean;
  /** The expression as it is. */
  readonly evaluate: Evaluator;
}

/**
 * Most clauses compare one argument with a literal. Those are kept as data, which is nearer to the processor than closures
 * that call closures.
 */
export function clauseTest(node: Json, wanted: boolean, evaluate: Evaluator): ClauseTest {
  const { kind, first, second, third, limit, literal, literals, matches } = questionOf(node) ?? ANY;
  return { kind, wanted, first, second, third, limit, literal, evaluate, literals, matches };
}

/**
 * Whether a clause is what it has to be. Throws EvaluationError where it errors.
 * INVARIANT: only a plain value of the expected type is answered here, as the expression would; all else is left to the expression.
 */
export function isAsWanted(test: ClauseTest, environment: Environment): boolean {
  const answer = test.kind === 'any' ? undefined : answerOf(test, readArgument(test, environment.context));
  return (answer ?? asBool(test.evaluate(environment))) === test.wanted;
}

function answerOf(question: Question, value: Value): boolean | undefined {
  switch (question.kind) {
    case '<':
      return Number.isSafeInteger(value) ? (value as number) < question.limit : undefined;
    case '<=':
      return Number.isSafeInteger(value) ? (value as number) <= question.limit : undefined;
    case '>':
      return Number.isSafeInteger(value) ? (value as number) > question.limit : undefined;
    case '>=':
      return Number.isSafeInteger(value) ? (value as number) >= question.limit : undefined;
    case '==':
      return value === undefined || value === null ? undefined : value === question.literal;
    case '!=':
      return value === undefined || value === null ? undefined : value !== question.literal;
    case 'like':
      return typeof value === 'string' ? question.matches(value) : undefined;
    case 'has element':
      return Array.isArray(value) ? value.includes(question.literal) : undefined;
    case 'is element':
      return typeof value === 'string' ? question.literals.has(value) : undefined;
    case 'any':
      return undefined;
  }
}

/** Undefined for what is not there, and for what is below anything but a record. */
function readArgument({ first, second, third }: Question, context: PolicyContext): Value {
  const value = context[first];
  if (second === undefined) return value;
  const inner = isRecord(value) ? value[second] : undefined;
  if (third === undefined) return inner;
  return isRecord(inner) ? inner[third] : undefined;
}

const ANY: Question = {
  kind: 'any',
  first: '',
  second: undefined,
  third: undefined,
  limit: 0,
  literal: false,
  literals: new Set(),
  matches: () => false,
};

/** Undefined for everything but the comparison of an argument with a literal. The node compiles, so it is what it says. */
function questionOf(node: Json): Question | undefined {
  const { operator, operands } = readExpression(node);
  switch (operator) {
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const limit = literalOf(operand(operands, 'right'));
      return typeof limit === 'number' ? about(operand(operands, 'left'), { kind: operator, limit }) : undefined;
    }
    case '==':
    case '!=': {
      const literal = literalOf(operand(operands, 'right'));
      return literal === undefined ? undefined : about(operand(operands, 'left'), { kind: operator, literal });
    }
    case 'like':
      return about(operand(operands, 'left'), { kind: 'like', matches: compileLike(patternOf(operands)) });
    case 'contains':
      return elementQuestion(operand(operands, 'left'), operand(operands, 'right'));
    default:
      return undefined;
  }
}

function elementQuestion(set: Json, element: Json): Question | undefined {
  const literal = literalOf(element);
  if (literal !== undefined) return about(set, { kind: 'has element', literal });
  if (!isObject(set) || !('Set' in set)) return undefined;
  const literals = listOperand(operand(set, 'Set')).map(literalOf);
  return literals.includes(undefined) ? undefined : about(element, { kind: 'is element', literals: new Set(literals) });
}

function about(node: Json, asked: Partial<Question>): Question | undefined {
  const { variable, path = [] } = readExpression(node).operator === '.' ? (attributePath(node) ?? {}) : {};
  const [first, second, third, ...more] = path;
  if (variable !== 'context' || first === undefined || more.length > 0 || path.some(isInheritedName)) return undefined;
  return { ...ANY, ...asked, first, second, third };
}
