import type { Json, Obligation, Remedy } from '#writ/contracts';
import type { ActionScope, PartScope, PolicySource } from './bundle.js';
import { type ClauseTest, isAsWanted } from './clause-test.js';
import { compileExpression, compileTest, type Environment, type Evaluator } from './compile-expression.js';
import type { EntityStore } from './entity-store.js';
import { conjunctsOf, readExpression } from './expression.js';
import { readObligations, readRemedy } from './obligations.js';
import { effectOffset, placeIn, type PolicyParts, scanPolicy } from './policy-text.js';
import type { PolicyFaultCode, PolicyProblem } from './problems.js';
import { type EntityRef, isIn, isSameEntity, Unsupported } from './values.js';

/** Where a policy stands: the line and column of its `permit` or `forbid`. */
export interface PolicyPlace {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

/** One part of a policy that has to hold: an operand of a `when`, or a whole `unless`. */
export interface Clause {
  readonly node: Json;
  readonly evaluate: Evaluator;
  /** What the expression has to be: true for `when`, false for `unless`. */
  readonly wanted: boolean;
  readonly condition: number;
  readonly indexInCondition: number;
}

/** A scope part as the index and the near misses use it. */
export interface CompiledScope {
  readonly type: string | undefined;
  readonly entity: EntityRef | undefined;
  readonly isExact: boolean;
}

export interface CompiledPolicy {
  readonly source: PolicySource;
  /** Where its parts stand in its text; undefined when the scanner could not tell. */
  readonly parts: PolicyParts | undefined;
  /** Position in the bundle, so that answers are listed in one order. */
  readonly order: number;
  readonly place: PolicyPlace;
  /** The place alone, as a list: most decisions have one determining policy. */
  readonly places: readonly PolicyPlace[];
  readonly isPermit: boolean;
  readonly principal: CompiledScope;
  readonly resource: CompiledScope;
  /** Any of these; empty for any action. */
  readonly actions: readonly CompiledScope[];
  readonly clauses: readonly Clause[];
  /** The clauses as they are asked. */
  readonly tests: readonly ClauseTest[];
  readonly obligations: readonly Obligation[];
  /** What would make this forbid's denial an allow. */
  readonly remedy: Remedy | undefined;
  /** Evaluated and reported, never enforced. */
  readonly isLogOnly: boolean;
  readonly reasonForAgent: string | undefined;
}

/** The value of `@mode`. A policy without the annotation is enforced. */
export const LOG_ONLY = 'log_only';

/** Compiles one policy, or says what is wrong with it and where. */
export function compilePolicy(source: PolicySource, order: number, store: EntityStore): CompiledPolicy | PolicyProblem {
  const problem = (code: PolicyFaultCode, message: string, offset = 0): PolicyProblem => ({
    code,
    file: source.file,
    ...placeOf(source, offset),
    message,
  });
  const obligations = readAnnotation(source.annotations['obligations'], readObligations) ?? NO_OBLIGATIONS;
  if (typeof obligations === 'string') return problem('POLICY_LINT', obligations);
  const remedy = readAnnotation(source.annotations['remedy'], readRemedy);
  if (typeof remedy === 'string') return problem('POLICY_LINT', remedy);
  const clauses = compileClauses(source, store);
  if ('unsupported' in clauses) {
    const at = clausePosition(scanPolicy(source.text), clauses);
    return problem('POLICY_UNSUPPORTED', `${clauses.unsupported} is not supported`, at.start);
  }
  const { est, id, file } = source;
  const place = { id, effect: est.effect, file, ...placeOf(source, effectOffset(source.text)) };
  let parts: { readonly found: PolicyParts | undefined } | undefined;
  return {
    source,
    // Scanned when somebody asks where a clause stands: most policies of a large set are never asked.
    get parts() {
      parts ??= { found: scanPolicy(source.text) };
      return parts.found;
    },
    order,
    place,
    places: [place],
    isPermit: est.effect === 'permit',
    principal: compileScope(est.principal, store),
    resource: compileScope(est.resource, store),
    actions: compileActions(est.action, store),
    clauses: clauses.list,
    tests: clauses.list.map(({ node, wanted }) => compileTest(node, wanted, store)),
    obligations,
    remedy,
    isLogOnly: source.annotations['mode'] === LOG_ONLY,
    reasonForAgent: source.annotations['reason_agent'],
  };
}

const NO_OBLIGATIONS: readonly Obligation[] = [];

function readAnnotation<T>(annotation: string | undefined, read: (text: string) => T): T | undefined {
  return annotation === undefined ? undefined : read(annotation);
}

/** Whether every clause holds. Throws EvaluationError where one of them errors. */
export function isSatisfied(policy: CompiledPolicy, environment: Environment): boolean {
  for (const test of policy.tests) if (!isAsWanted(test, environment)) return false;
  return true;
}

/** Whether a scope part lets the entity through. */
export function isInScope(scope: CompiledScope, entity: EntityRef): boolean {
  if (scope.type !== undefined && scope.type !== entity.type) return false;
  if (scope.entity === undefined) return true;
  return scope.isExact ? isSameEntity(entity, scope.entity) : isIn(entity, scope.entity);
}

/** Line and column in the file of an offset in the policy's text. */
export function placeOf(source: PolicySource, offset: number): { readonly line: number; readonly col: number } {
  const { line, col } = placeIn(source.text, offset);
  return { line: source.line + line - 1, col: line === 1 ? source.col + col - 1 : col };
}

/** The text and offset of a clause of a policy. */
export function placeOfClause(
  policy: CompiledPolicy,
  clause: Clause,
): { readonly start: number; readonly text?: string } {
  const inCondition = policy.clauses.filter(({ condition }) => condition === clause.condition);
  return clausePosition(policy.parts, { ...clause, countInCondition: inCondition.length });
}

/**
 * When the scanner found another number of clauses than Cedar's parser did, the place is that of the condition and there is
 * no text.
 */
function clausePosition(
  parts: PolicyParts | undefined,
  clause: { readonly condition: number; readonly indexInCondition: number; readonly countInCondition: number },
): { readonly start: number; readonly text?: string } {
  const condition = parts?.conditions[clause.condition];
  if (condition === undefined) return { start: 0 };
  const part = condition.clauses[clause.indexInCondition];
  return part === undefined || condition.clauses.length !== clause.countInCondition ? { start: condition.start } : part;
}

interface UnsupportedClause {
  readonly unsupported: string;
  readonly condition: number;
  readonly indexInCondition: number;
  readonly countInCondition: number;
}

function compileClauses(source: PolicySource, store: EntityStore): { list: readonly Clause[] } | UnsupportedClause {
  const list: Clause[] = [];
  for (const [condition, { kind, body }] of source.est.conditions.entries()) {
    const nodes = kind === 'when' ? operandsOf(body) : [body];
    for (const [indexInCondition, node] of nodes.entries()) {
      try {
        const evaluate = compileExpression(node, store);
        list.push({ node, evaluate, wanted: kind === 'when', condition, indexInCondition });
      } catch (thrown) {
        if (!(thrown instanceof Unsupported)) throw thrown;
        return { unsupported: thrown.message, condition, indexInCondition, countInCondition: nodes.length };
      }
    }
  }
  return { list };
}

function operandsOf(body: Json): readonly Json[] {
  try {
    readExpression(body);
    return conjunctsOf(body);
  } catch (thrown) {
    // The same node is refused again, with its place, when it is compiled.
    if (thrown instanceof Unsupported) return [body];
    throw thrown;
  }
}

const ANY: CompiledScope = { type: undefined, entity: undefined, isExact: false };

function compileScope(scope: PartScope, store: EntityStore): CompiledScope {
  switch (scope.op) {
    case 'All':
      return ANY;
    case '==':
    case 'in':
      return { ...ANY, entity: store.intern(scope.entity), isExact: scope.op === '==' };
    case 'is':
      return {
        type: scope.entity_type,
        entity: scope.in === undefined ? undefined : store.intern(scope.in.entity),
        isExact: false,
      };
  }
}

function compileActions(scope: ActionScope, store: EntityStore): readonly CompiledScope[] {
  if (scope.op === 'All') return [ANY];
  const entities = 'entities' in scope ? scope.entities : [scope.entity];
  return entities.map((uid) => ({ type: undefined, entity: store.intern(uid), isExact: scope.op === '==' }));
}
