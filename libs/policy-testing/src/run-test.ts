import type { Rules } from '#writ/authorisation';
import { canonicalJson, type Json } from '#writ/contracts';
import { evaluatePredicate } from '#writ/policy';
import { askPolicies, type Outcome } from './ask.js';
import type { PolicyTest } from './test-file.js';

/** One thing that was expected and is not so. Both are texts for people. */
export interface Mismatch {
  readonly what: string;
  readonly expected: string;
  readonly received: string;
}

export interface TestResult {
  readonly test: PolicyTest;
  readonly outcome: Outcome;
  /** None: the test holds. */
  readonly mismatches: readonly Mismatch[];
}

/** Asks the policies and compares. What a test does not speak of is not compared. */
export function runTest(test: PolicyTest, rules: Rules): TestResult {
  const outcome = askPolicies(test.request, test.circumstances, rules);
  const { expect } = test;
  const checks: readonly (Mismatch | undefined)[] = [
    differs('decision', expect.decision, outcome.effect),
    differs('code', expect.code, outcome.code),
    differs('policies', expect.policies && list(expect.policies), list(outcome.policies.map(({ id }) => id))),
    differs('obligations', expect.obligations && jsonList(expect.obligations), jsonList(outcome.obligations)),
    differs('filter', expect.filter, filterKind(outcome)),
    differs('visible', expect.visible && list(expect.visible), list(visibleRows(test, outcome))),
  ];
  return { test, outcome, mismatches: checks.filter((each) => each !== undefined) };
}

/** Whether a query may touch no record, every record, or those that its predicate lets through. */
function filterKind({ filter }: Outcome): 'none' | 'all' | 'some' {
  if (filter === undefined) return 'none';
  return filter.op === 'true' ? 'all' : 'some';
}

function visibleRows({ rows }: PolicyTest, { filter }: Outcome): readonly string[] {
  return filter === undefined ? [] : rows.filter((row) => evaluatePredicate(filter, row)).map(({ id }) => id);
}

function differs(what: string, expected: string | undefined, received: string): Mismatch | undefined {
  return expected === undefined || expected === received ? undefined : { what, expected, received };
}

/** In one order, because none is promised. */
function list(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.toSorted().join(', ');
}

function jsonList(items: readonly unknown[]): string {
  // Optional members that were left out may be present as undefined; JSON drops them.
  return list(items.map((item) => canonicalJson(JSON.parse(JSON.stringify(item)) as Json)));
}
