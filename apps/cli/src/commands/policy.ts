import type { Command } from 'commander';
import { type Cli, CODES, type CommonOptions, helpEnd, withJson } from '../cli.js';
import { addPolicyTools } from './policy-tools.js';

/** `writ policy check|test|diff|replay` */
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
    const { runCheck } = await import('../policy/run-check.js');
    cli.exitCode = await runCheck(options, cli);
  });
  addPolicyTools(policy, cli);
}
