import { formatProblem, policyProblemsOf } from '#writ/policy';
import type { Command } from 'commander';
import { type Cli, CODES, type CommonOptions, configPath, dataDirectory, helpEnd, withJson } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { failureOf } from '../failure.js';
import { checkPolicies } from '../policy/check-policies.js';

/** `writ policy check` */
export function addPolicyCommand(program: Command, cli: Cli): void {
  const policy = program.command('policy').description('look at policies before they decide');
  const check = policy
    .command('check')
    .description('parse, validate and compile the policies, as a decision service does when it starts')
    .option('--config <file>', 'configuration (default: writ.yaml)')
    .option('--data <dir>', 'data directory, for the agents that are registered (default: .writ beside it)')
    .addHelpText(
      'after',
      helpEnd(
        ['0   the policies are good', CODES.usage, '78  they are not, or the configuration is wrong'],
        'writ policy check --config my-writ/writ.yaml',
      ),
    );
  withJson(check).action(async (options: CommonOptions) => {
    cli.exitCode = await runCheck(options, cli);
  });
}

async function runCheck(options: CommonOptions, cli: Cli): Promise<number> {
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
