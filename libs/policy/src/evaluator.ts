import type { JsonObject } from '#writ/contracts';
import type { EntityRef, Value } from './values.js';

/** What an expression is evaluated against. The context is attacker-controlled, typed by the tool's schema before. */
export interface Environment {
  readonly principal: EntityRef;
  readonly action: EntityRef;
  readonly resource: EntityRef;
  readonly context: JsonObject;
}

/** A compiled expression. Throws EvaluationError where Cedar's evaluator errors. */
export type Evaluator = (environment: Environment) => Value;
