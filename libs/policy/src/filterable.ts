import type { ActionScope, PolicyBundle } from './bundle.js';
import { type CompiledPolicy, compilePolicy, placeOf, placeOfClause } from './compile-policy.js';
import { EntityStore } from './entity-store.js';
import { RECORD_TYPE } from './outcome.js';
import { compilePartial } from './partial.js';
import type { TextPart } from './policy-text.js';
import type { PolicyProblem } from './problems.js';
import { Unsupported } from './values.js';

/** The actions that are decided for records not known yet, and what they are below. */
const FILTERED_ACTIONS: ReadonlySet<string> = new Set(['query', 'delete', 'memory']);

/**
 * What of the policies cannot become a filter over memory records, for those that can apply to `query` or `delete`. The
 * loader refuses it, so that a query never returns less, or a forbid forbids more, than the policy says.
 */
export function checkFilterable(bundle: PolicyBundle): readonly PolicyProblem[] {
  const store = new EntityStore([]);
  return bundle.policies.flatMap((source, order) => {
    if (!coversFilteredAction(source.est.action) || !coversRecords(source.est.resource)) return [];
    const policy = compilePolicy(source, order, store);
    // What is wrong with it otherwise is told by whoever compiles it.
    return 'code' in policy ? [] : problemsOf(policy, store);
  });
}

function coversFilteredAction(scope: ActionScope): boolean {
  if (scope.op === 'All') return true;
  const entities = 'entities' in scope ? scope.entities : [scope.entity];
  return entities.some(({ type, id }) => type === 'Action' && FILTERED_ACTIONS.has(id));
}

function coversRecords(scope: CompiledPolicy['source']['est']['resource']): boolean {
  switch (scope.op) {
    case 'All':
    case 'in':
      return true;
    case '==':
      return scope.entity.type === RECORD_TYPE;
    case 'is':
      return scope.entity_type === RECORD_TYPE;
  }
}

function problemsOf(policy: CompiledPolicy, store: EntityStore): readonly PolicyProblem[] {
  const { source, parts } = policy;
  const problem = (message: string, { start, text = '' }: Partial<TextPart>): PolicyProblem => ({
    code: 'POLICY_UNSUPPORTED',
    rule: 'no-filter-form',
    file: source.file,
    ...placeOf(source, start ?? 0),
    ...(text !== '' && { length: text.length }),
    message: `${message} cannot be a filter over memory records`,
    help: 'policies for `query` and `delete` may test `resource.id`, `resource.owner`, `resource.labels` and the namespace',
  });
  if (policy.resource.entity?.type === RECORD_TYPE) return [problem('a single record', parts?.resource ?? {})];
  for (const clause of policy.clauses) {
    try {
      compilePartial(clause.node, store);
    } catch (thrown) {
      if (!(thrown instanceof Unsupported)) throw thrown;
      return [problem(thrown.message, placeOfClause(policy, clause))];
    }
  }
  return [];
}
