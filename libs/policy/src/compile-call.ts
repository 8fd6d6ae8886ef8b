import type { Environment, Evaluator } from './evaluator.js';
import { callExtension, type ExtensionFunction } from './extension-functions.js';
import { EvaluationError, type Value } from './values.js';

/**
 * A call of a function of an extension type. One whose arguments are constant is made once: reading the text of an address
 * or a date costs more than all the rest of a decision.
 */
export function compileCall(called: ExtensionFunction, args: readonly Evaluator[], isConstant: boolean): Evaluator {
  const call: Evaluator = (e) =>
    callExtension(
      called,
      args.map((arg) => arg(e)),
    );
  return isConstant ? once(call) : call;
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
