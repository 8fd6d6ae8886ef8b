import type { Json } from '#writ/contracts';
import { compileExpression } from './compile-expression.js';
import type { EntityStore } from './entity-store.js';
import { mentionsResource, operand, readExpression } from './expression.js';
import { ALWAYS, compileNot, known, NEVER, type PartialEvaluator, total } from './outcome.js';
import { and, or } from './predicates.js';
import { compileTest } from './record-tests.js';

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

/** All of them, from left to right. */
export function conjunction(parts: readonly PartialEvaluator[]): PartialEvaluator {
  return parts.reduce(compileAnd, () => ALWAYS);
}

/** The left operand decides first: an error there is an error, whatever the right one says. */
function compileAnd(left: PartialEvaluator, right: PartialEvaluator): PartialEvaluator {
  return (e) => {
    const a = left(e);
    if (a.ifTrue.op === 'false') return a;
    const b = right(e);
    if (a.isTotal && b.isTotal) return total(and([a.ifTrue, b.ifTrue]));
    const ifFalse = or([a.ifFalse, and([a.ifTrue, b.ifFalse])]);
    return { ifTrue: and([a.ifTrue, b.ifTrue]), ifFalse, isTotal: false };
  };
}

function compileOr(left: PartialEvaluator, right: PartialEvaluator): PartialEvaluator {
  return (e) => {
    const a = left(e);
    if (a.ifFalse.op === 'false') return a;
    const b = right(e);
    if (a.isTotal && b.isTotal) return total(or([a.ifTrue, b.ifTrue]));
    const ifTrue = or([a.ifTrue, and([a.ifFalse, b.ifTrue])]);
    return { ifTrue, ifFalse: and([a.ifFalse, b.ifFalse]), isTotal: false };
  };
}

function compileConditional(
  condition: PartialEvaluator,
  then: PartialEvaluator,
  otherwise: PartialEvaluator,
): PartialEvaluator {
  return (e) => {
    const c = condition(e);
    const a = c.ifTrue.op === 'false' ? NEVER : then(e);
    const b = c.ifFalse.op === 'false' ? NEVER : otherwise(e);
    const ifTrue = or([and([c.ifTrue, a.ifTrue]), and([c.ifFalse, b.ifTrue])]);
    if (c.isTotal && a.isTotal && b.isTotal) return total(ifTrue);
    return { ifTrue, ifFalse: or([and([c.ifTrue, a.ifFalse]), and([c.ifFalse, b.ifFalse])]), isTotal: false };
  };
}
