import type { Predicate } from '#writ/contracts';
import type { Environment, Evaluator } from './compile-expression.js';
import { FALSE, not, TRUE } from './predicates.js';
import { EvaluationError, type Value } from './values.js';

export const RECORD_TYPE = 'Record';

/**
 * What a condition comes to over a Record that is not known yet: the records for which it is true and those for which it
 * is false. For the others it is an error.
 */
export interface Outcome {
  readonly ifTrue: Predicate;
  readonly ifFalse: Predicate;
  /** It is an error for no record: one predicate is the negation of the other. */
  readonly isTotal: boolean;
}

/** A condition with everything but the record filled in. `environment.resource` stands for any record of its parent. */
export type PartialEvaluator = (environment: Environment) => Outcome;

/** Thrown when the values at hand have no translation. */
export class Untranslatable extends Error {}

export const ALWAYS: Outcome = { ifTrue: TRUE, ifFalse: FALSE, isTotal: true };
export const NEVER: Outcome = { ifTrue: FALSE, ifFalse: TRUE, isTotal: true };
const ERRS: Outcome = { ifTrue: FALSE, ifFalse: FALSE, isTotal: false };

/** A test that has an answer for every record. */
export function total(predicate: Predicate): Outcome {
  return { ifTrue: predicate, ifFalse: not(predicate), isTotal: true };
}

/** Runs a test whose known operand may error: then the test is an error for every record. */
export function withValue(
  evaluate: Evaluator,
  test: (value: Value, environment: Environment) => Outcome,
): PartialEvaluator {
  return (e) => {
    try {
      return test(evaluate(e), e);
    } catch (thrown) {
      if (thrown instanceof EvaluationError) return ERRS;
      throw thrown;
    }
  };
}

/** A condition that does not depend on the record. */
export function known(evaluate: Evaluator): PartialEvaluator {
  return withValue(evaluate, (value) => (value === true ? ALWAYS : value === false ? NEVER : ERRS));
}

export function compileNot(arg: PartialEvaluator): PartialEvaluator {
  return (e) => {
    const { ifTrue, ifFalse, isTotal } = arg(e);
    return { ifTrue: ifFalse, ifFalse: ifTrue, isTotal };
  };
}
