import type { Command } from 'commander';
import { type Cli, CODES, type CommonOptions, dataDirectory, helpEnd, withDataAndJson } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { printableIn } from '../printable.js';

interface ReplayOptions extends CommonOptions {
  readonly sink: string;
  readonly from: string;
  readonly ledger?: string;
}

interface TestOptions extends CommonOptions {
  readonly within: string;
}

/** What an acknowledgement says by the kind of the sink. */
const ACKNOWLEDGED: Readonly<Record<string, string>> = {
  file: 'the disk has it',
  stdout: 'the pipe took it: as good as whoever reads it',
  https: 'the receiver answered 2xx',
  'splunk-hec': 'the collector took it, and the indexer where `indexerAck` is on',
  otlp: 'the receiver answered 200 and rejected nothing',
  relp: 'the receiver answered 200',
  syslog: 'the socket took it, which is no acknowledgement: look for it in the receiver',
};

/** `writ siem test` and `writ siem replay` */
export function addSiemCommand(program: Command, cli: Cli): void {
  const siem = program.command('siem').description('the feed to a SIEM: test a sink, send entries once more');
  addTest(siem, cli);
  const command = siem
    .command('replay')
    .description('have a sink get its entries once more, from an index of the log; on record')
    .requiredOption('--sink <name>', 'name of the sink in writ.yaml')
    .requiredOption('--from <index>', 'leaf index of the first entry, from 0; the last is where the sink is now')
    .option('--ledger <name>', 'a ledger that has ended: entries of that one, up to its end')
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
    await askForReplay(dataDirectory(options), sink, { from, ledger: options.ledger });
    cli.print(options.json ? JSON.stringify({ sink, from }) : `sink ${sink} gets entry ${from} and what follows again`);
  });
}

function addTest(siem: Command, cli: Cli): void {
  const command = siem
    .command('test')
    .description('have the exporter send a marked record to a sink, and say what the sink made of it')
    .argument('<sink>', 'name of the sink in writ.yaml')
    .option('--within <seconds>', 'how long to wait for the exporter', '30')
    .addHelpText(
      'after',
      helpEnd(
        [
          '0   the sink acknowledged it; what that means is said',
          '1   the sink refuses it for good',
          '2   the sink cannot be reached, or is not ready: the exporter goes on trying to send what waits',
          CODES.usage,
          '69  no exporter answers',
          CODES.config,
        ],
        'writ siem test splunk',
      ),
    );
  withDataAndJson(command).action(async (sink: string, options: TestOptions) => {
    const withinMs = secondsOf(options.within) * 1_000;
    const { testSink } = await import('../siem/test-sink.js');
    const { id, kind, status, why } = printableIn(await testSink(dataDirectory(options), sink, withinMs));
    const said = status === 'acknowledged' ? `acknowledged: ${ACKNOWLEDGED[kind] ?? kind}` : `${status}: ${why}`;
    cli.exitCode = { acknowledged: EXIT.ok, refused: EXIT.no, again: EXIT.failed }[status];
    if (options.json) cli.print(JSON.stringify({ sink, id, kind, status, ...(why !== undefined && { why }) }));
    else cli.print(`sink ${sink} (${kind}), record ${id}: ${said}`);
  });
}

function secondsOf(text: string): number {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (seconds < 1) throw new UsageError(`\`${text}\` is no number of seconds`);
  return seconds;
}

function indexOf(text: string): number {
  const index = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(index)) throw new UsageError(`\`${text}\` is no index of a leaf`);
  return index;
}
