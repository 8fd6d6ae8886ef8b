import { Fault } from '#writ/faults';
import { mergeObligations, type PolicyCode, type PolicyDecision, type PolicyReasons } from '#writ/policy';

/** A decision, also one that no policy made: nobody is there to carry it out. */
export type Ruling = Omit<PolicyReasons, 'code'> & {
  readonly effect: PolicyDecision['effect'];
  readonly code: PolicyCode | 'no_executor';
};

const NOTHING: readonly never[] = [];

/** A permit that nobody can carry out, as the denial that it becomes: by the same policies, for another reason. */
export function withheld(permit: Ruling, code: 'obligation_unenforceable' | 'no_executor'): Ruling {
  const { determining, errors, reasonForAgent, logged } = permit;
  const none = { obligations: NOTHING, near: NOTHING, held: NOTHING, remedies: NOTHING };
  return { effect: 'forbid', code, determining, errors, reasonForAgent, logged, ...none };
}

/**
 * The first forbid among the decisions, or the permits as one: all their policies, all their obligations. Throws INPUT_INVALID
 * when there is none.
 */
export function strictest(decisions: readonly PolicyDecision[]): Ruling {
  const [first] = decisions;
  if (first === undefined) throw new Fault('INPUT_INVALID', '`records`: give at least one');
  const logged = unique(decisions.flatMap((each) => each.logged));
  const forbidding = decisions.filter(({ effect }) => effect === 'forbid');
  const [forbidden] = forbidding;
  if (forbidden !== undefined) {
    // One record that nothing makes writable makes the whole request so.
    const isRequestable = forbidding.every(({ remedies }) => remedies.length > 0);
    const remedies = isRequestable ? unique(forbidding.flatMap((each) => each.remedies)) : [];
    return asOne(forbidden, { remedies, logged });
  }
  return {
    effect: 'permit',
    code: 'permit',
    determining: unique(decisions.flatMap(({ determining }) => determining)),
    errors: unique(decisions.flatMap(({ errors }) => errors)),
    obligations: mergeObligations(decisions.map(({ obligations }) => obligations)),
    reasonForAgent: first.reasonForAgent,
    near: NOTHING,
    held: NOTHING,
    remedies: NOTHING,
    logged,
  };
}

/** A denial that stands for several. What nearly matched and what held stays unread: it costs more than the decision. */
function asOne(forbidden: PolicyDecision, more: Pick<Ruling, 'remedies' | 'logged'>): Ruling {
  const { effect, code, determining, errors, obligations, reasonForAgent } = forbidden;
  return {
    ...{ effect, code, determining, errors, obligations, reasonForAgent },
    get near() {
      return forbidden.near;
    },
    get held() {
      return forbidden.held;
    },
    ...more,
  };
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
