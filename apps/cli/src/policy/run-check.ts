import { inFileOrder, type PolicyProblem, policyProblemsOf } from '#writ/policy';
import { type Cli, type CommonOptions, configPath, dataDirectory } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { failureOf } from '../failure.js';
import { painter } from '../paint.js';
import { type CheckedPolicies, checkPolicies } from './check-policies.js';
import { formatProblemWithSource } from './format-problem.js';

/**
 * Checks the policies and tells every error and warning of every file with its place, its line and what to do. Returns the
 * exit code: warnings alone are no failure. Throws CONFIG_*.
 */
export async function runCheck(options: CommonOptions, cli: Cli): Promise<number> {
  const warnings: PolicyProblem[] = [];
  try {
    const checked = await checkPolicies(configPath(options), dataDirectory(options), (each) => warnings.push(each));
    if (options.json) cli.print(JSON.stringify({ ok: true, ...checked, warnings }));
    else tellGood(checked, warnings, cli);
    return EXIT.ok;
  } catch (error) {
    const problems = policyProblemsOf(error).map((problem) => ({ severity: 'error' as const, ...problem }));
    if (problems.length === 0) throw error;
    const { code, message, exit } = failureOf(error);
    if (options.json) cli.print(JSON.stringify({ ok: false, error: { code, message }, problems, warnings }));
    else tellProblems([...problems, ...warnings], cli);
    return exit;
  }
}

function tellGood({ hash, policies, files }: CheckedPolicies, warnings: readonly PolicyProblem[], cli: Cli): void {
  if (warnings.length > 0) tellProblems(warnings, cli);
  cli.print(
    `${countOf(policies, 'policy', 'policies')} in ${countOf(files.length, 'file')} ${policies === 1 ? 'is' : 'are'} good: ${hash}`,
  );
}

function tellProblems(problems: readonly PolicyProblem[], cli: Cli): void {
  const paint = painter(cli.isNoteColoured === true);
  for (const problem of inFileOrder(problems)) cli.note(`${formatProblemWithSource(problem, paint)}\n`);
  const warnings = problems.filter(({ severity }) => severity === 'warning').length;
  const files = new Set(problems.map(({ file }) => file)).size;
  const counts = [countOf(problems.length - warnings, 'error'), countOf(warnings, 'warning')];
  cli.note(`${counts.join(' and ')} in ${countOf(files, 'file')}`);
}

function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
