import { type Command, Option } from 'commander';
import { type Cli, CODES, helpEnd, withOperator } from '../cli.js';
import type { TailOptions } from '../tail/run-tail.js';

/** `writ tail` */
export function addTailCommand(program: Command, cli: Cli): void {
  const command = program
    .command('tail')
    .description('decisions and outcomes as they are recorded, with the policy line')
    .option('--denied', 'what was denied or refused alone, and why')
    .option('--agent <name>', 'of one agent alone')
    .addOption(new Option('--from <place>', 'where to begin').choices(['start', 'now']).default('now'))
    .addHelpText(
      'after',
      helpEnd(
        ['0   stopped by a signal', CODES.usage, CODES.unavailable, CODES.config],
        'writ tail --denied',
        'writ tail --from start --json | jq .entry.type',
      ),
    );
  withOperator(command).action(async (options: TailOptions) => {
    const { runTail } = await import('../tail/run-tail.js');
    cli.exitCode = await runTail(options, cli);
  });
}
