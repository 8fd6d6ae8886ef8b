import type { PolicyDecision } from '#writ/policy';
import type { OracleAnswer } from './oracle-child.js';

/** `stricter`: Writ differs where it means to, and does not permit what Cedar denies. */
export type Comparison = 'same' | 'stricter' | 'different';

/** Integers end at 2^53 here and at 2^63 in Cedar; the text of a duration or a decimal ends nowhere there. */
const STRICTER_ERRORS = ['integer overflow: beyond 2^53', 'text too long for a value of an extension type'];

/**
 * Compares a decision with Cedar's: effect, deciding policies, policies that errored. Writ is stricter on purpose in four cases: a
 * forbid that errors denies, a permit with obligations that errors denies, integers beyond 2^53 are errors, and so is long text of
 * an extension type. Permits are not evaluated here once a forbid has decided, so their errors are compared only when none has.
 */
export function compare(
  decision: PolicyDecision,
  cedar: OracleAnswer,
  effectOf: (id: string) => 'permit' | 'forbid' | undefined,
): Comparison {
  if (decision.errors.some(({ message }) => STRICTER_ERRORS.some((stricter) => message.startsWith(stricter)))) {
    return decision.effect === 'permit' && cedar.decision === 'deny' ? 'different' : 'stricter';
  }
  const determining = decision.determining.map(({ id }) => id);
  // The policies of the second set are not among those that Cedar was given.
  const errors = decision.errors.map(({ id }) => id).filter((id) => effectOf(id) !== undefined);
  const hasSameErrors = isSameSet(errors, cedar.errors);
  const isForbid = (id: string): boolean => effectOf(id) !== 'permit';
  const hasSameForbidErrors = isSameSet(errors, cedar.errors.filter(isForbid));
  const hasSameReasons = isSameSet(determining, cedar.determining);
  switch (decision.code) {
    case 'permit':
      return sameWhen(cedar.decision === 'allow' && hasSameReasons && hasSameErrors);
    case 'policy_forbids':
      return sameWhen(cedar.decision === 'deny' && hasSameReasons && hasSameForbidErrors);
    case 'no_policy_permits':
      return sameWhen(cedar.decision === 'deny' && hasSameReasons && hasSameErrors);
    case 'forbid_evaluation_error':
      return hasSameForbidErrors && !cedar.determining.some(isForbid) ? 'stricter' : 'different';
    case 'obligation_unenforceable':
      return hasSameErrors && cedar.decision === 'allow' ? 'stricter' : 'different';
  }
}

function sameWhen(isSame: boolean): Comparison {
  return isSame ? 'same' : 'different';
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  const set = new Set(a);
  return set.size === new Set(b).size && b.every((each) => set.has(each));
}
