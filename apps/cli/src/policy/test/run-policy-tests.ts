import { Coverage, type CoverageReport, runTest, type TestResult } from '#writ/policy-testing';
import type { Cli, CommonOptions } from '../../cli.js';
import { EXIT } from '../../exit-codes.js';
import { painter } from '../../paint.js';
import { openTestRules } from '../test-rules.js';
import { findTests } from './find-tests.js';
import { formatCoverage, formatResults } from './format-results.js';

export interface TestOptions extends CommonOptions {
  readonly coverage?: true;
}

/** Runs the tests of the policies and tells what does not hold. Returns the exit code. Throws CONFIG_*, POLICY_*. */
export async function runPolicyTests(paths: readonly string[], options: TestOptions, cli: Cli): Promise<number> {
  const { rules, directory } = await openTestRules(options);
  const tests = await findTests(paths.length === 0 ? [directory] : paths);
  const coverage = new Coverage(rules);
  const results = tests.map((test) => runTest(test, rules));
  for (const result of results) coverage.add(result);
  const report = options.coverage ? coverage.report() : undefined;
  const isGood = results.every(({ mismatches }) => mismatches.length === 0);
  if (options.json) {
    cli.print(JSON.stringify(asJson(results, report)));
  } else {
    const paint = painter(cli.isColoured);
    const lines = [...formatResults(results, paint), ...(report === undefined ? [] : formatCoverage(report, paint))];
    for (const line of lines) cli.print(line);
  }
  return isGood ? EXIT.ok : EXIT.no;
}

function asJson(results: readonly TestResult[], coverage: CoverageReport | undefined) {
  const failed = results.filter(({ mismatches }) => mismatches.length > 0).length;
  return {
    ok: failed === 0,
    passed: results.length - failed,
    failed,
    tests: results.map(({ test: { name, file, line }, mismatches, outcome }) => {
      const { effect, code, policies } = outcome;
      const near = mismatches.length === 0 ? [] : outcome.near;
      return { name, file, line, ok: mismatches.length === 0, decision: effect, code, policies, mismatches, near };
    }),
    ...(coverage === undefined ? {} : { coverage }),
  };
}
