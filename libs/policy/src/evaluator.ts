import type { Json } from '#writ/contracts';
import { type EntityRef, EvaluationError, type ExtensionValue, type Value } from './values.js';

/** A value of a request: JSON, and a value of an extension type where the schema of the request has one. */
export type ContextValue = Json | ExtensionValue | readonly ContextValue[] | { readonly [name: string]: ContextValue };

/** What a request says besides its entities, by name. */
export type PolicyContext = Readonly<Record<string, ContextValue>>;

/** What an expression is evaluated against. The context is attacker-controlled, typed by the tool's schema before. */
export interface Environment {
  readonly principal: EntityRef;
  readonly action: EntityRef;
  readonly resource: EntityRef;
  readonly context: PolicyContext;
}

/** A compiled expression. Throws EvaluationError where Cedar's evaluator errors. */
export type Evaluator = (environment: Environment) => Value;

/** What an expression comes to, or undefined where it is an error: no value of Cedar is undefined. */
export function valueOrError(evaluate: Evaluator, environment: Environment): Value | undefined {
  try {
    return evaluate(environment);
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return undefined;
    throw thrown;
  }
}
