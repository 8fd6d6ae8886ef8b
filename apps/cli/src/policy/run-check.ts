import { formatProblem, policyProblemsOf } from '#writ/policy';
import { type Cli, type CommonOptions, configPath, dataDirectory } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { failureOf } from '../failure.js';
import { checkPolicies } from './check-policies.js';

/** Checks the policies and tells every problem with its place. Returns the exit code. Throws CONFIG_*. */
export async function runCheck(options: CommonOptions, cli: Cli): Promise<number> {
  try {
    const { hash, policies, files, warnings } = await checkPolicies(configPath(options), dataDirectory(options));
    if (options.json) {
      cli.print(JSON.stringify({ ok: true, hash, policies, files, warnings }));
      return EXIT.ok;
    }
    for (const warning of warnings) cli.note(`warning: ${formatProblem(warning)}`);
    cli.print(`${policies} policies in ${files.length} files are good: ${hash}`);
    return EXIT.ok;
  } catch (error) {
    const problems = policyProblemsOf(error);
    if (problems.length === 0) throw error;
    const { code, message, exit } = failureOf(error);
    if (options.json) {
      cli.print(JSON.stringify({ ok: false, error: { code, message }, problems }));
    } else {
      for (const problem of problems) cli.note(`${problem.code}: ${formatProblem(problem)}`);
    }
    return exit;
  }
}
