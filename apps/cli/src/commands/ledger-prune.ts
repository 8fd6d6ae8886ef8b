import type { Command } from 'commander';
import { type Cli, CODES, type CommonOptions, configPath, dataDirectory, helpEnd, withJson } from '../cli.js';

interface PruneCommandOptions extends CommonOptions {
  readonly dryRun?: true;
}

/** `writ ledger prune` */
export function addPruneCommand(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('prune')
    .description('remove what `retention` in the configuration lets go: first from the stream, then from the log')
    .option('--config <file>', 'configuration of a deployment that is stopped (default: writ.yaml)')
    .option('--data <dir>', 'data directory (default: .writ beside the configuration)')
    .option('--dry-run', 'say what would go, and remove and record nothing')
    .addHelpText(
      'after',
      helpEnd(
        [
          CODES.ok,
          '1   the log does not verify, or differs from the stream: nothing was removed',
          CODES.usage,
          CODES.unavailable,
          CODES.config,
        ],
        'writ ledger prune --dry-run',
      ),
    );
  withJson(command).action(async (options: PruneCommandOptions) => {
    const { runPrune } = await import('../ledger-commands.js');
    const report = await runPrune({
      config: configPath(options),
      dataDir: dataDirectory(options),
      isDryRun: options.dryRun === true,
      note: (line) => cli.note(line),
    });
    if (options.json) {
      cli.print(JSON.stringify(report));
      return;
    }
    const { stream, log, isDryRun } = report;
    const would = isDryRun ? 'would begin' : 'begins';
    cli.print(`stream: ${stream.from - stream.first} messages removed; it ${would} with message ${stream.from}`);
    cli.print(`log: ${log.from - log.first} entries removed; it ${would} with leaf ${log.from}`);
  });
}
