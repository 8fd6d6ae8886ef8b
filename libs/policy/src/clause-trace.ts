import type { Environment } from './compile-expression.js';
import { type Clause, type CompiledPolicy, placeOf, placeOfClause } from './compile-policy.js';
import { type PolicyRequest, resolve } from './decide.js';
import { valueOrError } from './evaluator.js';
import { mentionsResource } from './expression.js';
import type { FilterRequest } from './filter.js';
import { RECORD_TYPE } from './outcome.js';
import type { PolicySet } from './policy-set.js';

/** One condition of a policy, as it stands in its file. */
export interface ClausePlace {
  readonly file: string;
  readonly line: number;
  readonly col: number;
  /** `when …` or `unless …`, on one line. */
  readonly text: string;
}

/** What a policy in scope came to, condition by condition. */
export interface PolicyTrace {
  readonly id: string;
  /** The index of the one condition that alone kept the policy from firing. */
  readonly onlyFailed: number | undefined;
  /** The conditions that are about a record nobody knows yet: they become the filter. */
  readonly deferred: readonly number[];
}

/** The conditions of a policy, in order. */
export function clausePlaces(policy: CompiledPolicy): readonly ClausePlace[] {
  return policy.clauses.map((clause) => {
    const at = placeOfClause(policy, clause);
    const keyword = clause.wanted ? 'when' : 'unless';
    return { file: policy.source.file, ...placeOf(policy.source, at.start), text: `${keyword} ${at.text ?? '…'}` };
  });
}

/** Every policy in scope of the request, with what each of its conditions came to. For tools: a decision asks for less. */
export function traceClauses(set: PolicySet, request: PolicyRequest): readonly PolicyTrace[] {
  return traceAll(set, resolve(set, request), () => false);
}

/** The same for a filter: conditions about the record are not asked. */
export function traceFilter(set: PolicySet, request: FilterRequest): readonly PolicyTrace[] {
  const environment = {
    principal: set.store.find(request.principal),
    action: set.store.find(request.action),
    resource: set.store.anyBelow(RECORD_TYPE, request.parent),
    context: request.context,
  };
  return traceAll(set, environment, ({ node }) => mentionsResource(node));
}

function traceAll(
  set: PolicySet,
  environment: Environment,
  isDeferred: (clause: Clause) => boolean,
): readonly PolicyTrace[] {
  const { forbids, permits } = set.candidates(environment.principal, environment.action, environment.resource);
  return [...forbids, ...permits].map((policy) => {
    const indices = policy.clauses.map((_, index) => index);
    const deferred = indices.filter((index) => isDeferred(policy.clauses[index] as Clause));
    const failed = failedOf(policy, environment, deferred);
    const [only] = failed;
    return {
      id: policy.source.id,
      onlyFailed: failed.length === 1 ? only : undefined,
      deferred,
    };
  });
}

/** The conditions that do not hold. One that errs behind one that does not hold is guarded by it, and does not count. */
function failedOf(policy: CompiledPolicy, environment: Environment, deferred: readonly number[]): readonly number[] {
  const failed: number[] = [];
  for (const [index, clause] of policy.clauses.entries()) {
    if (deferred.includes(index)) continue;
    const outcome = outcomeOf(clause, environment);
    if (outcome === 'fails' || (outcome === 'errs' && failed.length === 0)) failed.push(index);
  }
  return failed;
}

function outcomeOf(clause: Clause, environment: Environment): 'holds' | 'fails' | 'errs' {
  const value = valueOrError(clause.evaluate, environment);
  if (value === undefined) return 'errs';
  return value === clause.wanted ? 'holds' : 'fails';
}
