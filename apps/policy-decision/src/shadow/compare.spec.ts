import type { PolicyDecision } from '#writ/policy';
import { compare } from './compare.js';
import type { OracleAnswer } from './oracle-child.js';

const place = (id: string) =>
  ({ id, effect: id.startsWith('f') ? 'forbid' : 'permit', file: 'a', line: 1, col: 1 }) as const;
const effectOf = (id: string) => place(id).effect;

function writ(
  code: PolicyDecision['code'],
  determining: string[] = [],
  errors: [string, string?][] = [],
): PolicyDecision {
  return {
    effect: code === 'permit' ? 'permit' : 'forbid',
    code,
    determining: determining.map(place),
    errors: errors.map(([id, message = 'type error']) => ({ id, message })),
    obligations: [],
    reasonForAgent: undefined,
    near: [],
    held: [],
    remedies: [],
    logged: [],
  };
}
const cedar = (decision: 'allow' | 'deny', determining: string[] = [], errors: string[] = []): OracleAnswer => ({
  decision,
  determining,
  errors,
});

describe('compare', () => {
  it.each<[string, PolicyDecision, OracleAnswer, string]>([
    ['the same permits', writ('permit', ['p1', 'p2']), cedar('allow', ['p2', 'p1']), 'same'],
    ['a permit that errors beside', writ('permit', ['p1'], [['p2']]), cedar('allow', ['p1'], ['p2']), 'same'],
    [
      'the same forbid, and a permit that nobody needed',
      writ('policy_forbids', ['f1']),
      cedar('deny', ['f1'], ['p2']),
      'same',
    ],
    ['a default deny', writ('no_policy_permits'), cedar('deny'), 'same'],
    ['an allow that Cedar denies', writ('permit', ['p1']), cedar('deny', ['f1']), 'different'],
    ['a deny that Cedar allows', writ('no_policy_permits'), cedar('allow', ['p1']), 'different'],
    ['another permit', writ('permit', ['p1']), cedar('allow', ['p2']), 'different'],
    ['one permit more', writ('permit', ['p1']), cedar('allow', ['p1', 'p2']), 'different'],
    ['an error that was not seen', writ('permit', ['p1']), cedar('allow', ['p1'], ['p2']), 'different'],
    ['a forbid that was not seen', writ('policy_forbids', ['f1']), cedar('deny', ['f1', 'f2']), 'different'],
    [
      'an error of a forbid that was not seen',
      writ('policy_forbids', ['f1']),
      cedar('deny', ['f1'], ['f2']),
      'different',
    ],
    [
      'a forbid that errors, which Cedar skips',
      writ('forbid_evaluation_error', ['f1'], [['f1']]),
      cedar('allow', ['p1'], ['f1']),
      'stricter',
    ],
    [
      'a forbid that errors here alone',
      writ('forbid_evaluation_error', ['f1'], [['f1']]),
      cedar('allow', ['p1']),
      'different',
    ],
    [
      'a forbid that errors here and forbids there',
      writ('forbid_evaluation_error', ['f1'], [['f1']]),
      cedar('deny', ['f2'], ['f1']),
      'different',
    ],
    [
      'obligations that cannot be known',
      writ('obligation_unenforceable', ['p2'], [['p2']]),
      cedar('allow', ['p1'], ['p2']),
      'stricter',
    ],
    [
      'obligations that are known there',
      writ('obligation_unenforceable', ['p2'], [['p2']]),
      cedar('allow', ['p1', 'p2']),
      'different',
    ],
    [
      'an integer beyond 2^53',
      writ('no_policy_permits', [], [['p1', 'integer overflow: beyond 2^53']]),
      cedar('allow', ['p1']),
      'stricter',
    ],
    [
      'a duration of more characters than Writ reads',
      writ('no_policy_permits', [], [['p1', 'text too long for a value of an extension type']]),
      cedar('allow', ['p1']),
      'stricter',
    ],
    [
      'an integer beyond 2^53, and more allowed than by Cedar',
      writ('permit', ['p2'], [['p1', 'integer overflow: beyond 2^53']]),
      cedar('deny'),
      'different',
    ],
  ])('finds %s %s', (_what, decision, answer, expected) => {
    expect(compare(decision, answer, effectOf)).toBe(expected);
  });
});
