import type { Command } from 'commander';
import { type Cli, CODES, helpEnd, withOperator } from '../cli.js';
import type { ExplainOptions } from '../explain/run-explain.js';

/** `writ explain CALL` */
export function addExplainCommand(program: Command, cli: Cli): void {
  const command = program
    .command('explain')
    .description('who asked for what, which policy line answered, what came of it, and where that is on record')
    .argument('<call>', 'id of a call, or of a ledger entry')
    .option('--agent <name>', 'whose call, when several agents used the id')
    .option(
      '--config <file>',
      'the configuration that says where the policies are (default: that of the running `writ up`)',
    )
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, '1   no such call is on record', CODES.usage, CODES.unavailable, CODES.config],
        'writ explain 2f6c2c3e --agent support',
      ),
    );
  withOperator(command).action(async (call: string, options: ExplainOptions) => {
    const { runExplain } = await import('../explain/run-explain.js');
    await runExplain(call, options, cli);
  });
}
