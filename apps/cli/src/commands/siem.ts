import type { Command } from 'commander';
import { type Cli, CODES, type CommonOptions, dataDirectory, helpEnd, withDataAndJson } from '../cli.js';
import { UsageError } from '../failure.js';

interface ReplayOptions extends CommonOptions {
  readonly sink: string;
  readonly from: string;
}

/** `writ siem replay` */
export function addSiemCommand(program: Command, cli: Cli): void {
  const siem = program.command('siem').description('the feed to a SIEM: send entries once more');
  const command = siem
    .command('replay')
    .description('have a sink get its entries once more, from an index of the log; on record')
    .requiredOption('--sink <name>', 'name of the sink in writ.yaml')
    .requiredOption('--from <index>', 'leaf index of the first entry, from 0; the last is where the sink is now')
    .addHelpText(
      'after',
      helpEnd(
        ['0   asked; the exporter does it, and `/readyz` says how far it is', CODES.usage, CODES.config],
        'writ siem replay --sink splunk --from 120000',
      ),
    );
  withDataAndJson(command).action(async (options: ReplayOptions) => {
    const { sink } = options;
    const from = indexOf(options.from);
    const { askForReplay } = await import('../siem/ask-for-replay.js');
    await askForReplay(dataDirectory(options), sink, from);
    cli.print(options.json ? JSON.stringify({ sink, from }) : `sink ${sink} gets entry ${from} and what follows again`);
  });
}

function indexOf(text: string): number {
  const index = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(index)) throw new UsageError(`\`${text}\` is no index of a leaf`);
  return index;
}
