import type { Command } from 'commander';
import { type Cli, CODES, helpEnd, withOperator } from '../cli.js';
import type { TraceOptions } from '../memory/run-trace.js';

/** `writ memory trace ID` */
export function addMemoryCommand(program: Command, cli: Cli): void {
  const command = program
    .command('memory')
    .description('what operators ask of memories')
    .command('trace')
    .description('the call that wrote a record, and each call that read or deleted it, from the ledger')
    .argument('<id>', 'id of the record')
    .option('--namespace <name>', 'of that namespace alone')
    .option('--owner <agent>', 'that this agent wrote; without it, every record of that id')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, '1   no call on record used it', CODES.usage, CODES.unavailable, CODES.config],
        'writ memory trace cust-7 --namespace CRM.customers',
      ),
    );
  withOperator(command).action(async (id: string, options: TraceOptions) => {
    const { runTrace } = await import('../memory/run-trace.js');
    cli.exitCode = await runTrace(id, options, cli);
  });
}
