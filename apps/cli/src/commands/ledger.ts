import type { Command } from 'commander';
import { type Cli, CODES, type CommonOptions, dataDirectory, helpEnd, withOperator, withJson } from '../cli.js';

/** `writ ledger export|verify|status` */
export function addLedgerCommand(program: Command, cli: Cli): void {
  const ledger = program.command('ledger').description('take the ledger out, verify it offline, see how full it is');
  addExport(ledger, cli);
  addVerify(ledger, cli);
  addStatus(ledger, cli);
}

function addExport(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('export')
    .description('write the whole ledger, its trust bundle and a signed head into a directory')
    .argument('<dir>', 'a new or empty directory')
    .option('--head <file>', 'checkpoint of an earlier export: a ledger that does not contain it is not signed')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, '30, 40  exported, and not signed: it has two histories, or does not verify', CODES.usage].concat([
          CODES.unavailable,
          CODES.config,
        ]),
        'writ ledger export ledger-2026-11-22',
      ),
    );
  withOperator(command).action(async (directory: string, options: CommonOptions & { readonly head?: string }) => {
    const { exportLedger, formatReport } = await import('../ledger-commands.js');
    const { report, isSigned } = await exportLedger(directory, dataDirectory(options), options.head);
    if (options.json) cli.print(JSON.stringify({ directory, signed: isSigned, report }));
    else if (isSigned) cli.print(`${report.entries} entries in ${report.blocks} blocks exported to ${directory}`);
    else cli.print(`exported to ${directory}, NOT signed:\n${formatReport(report)}`);
    cli.exitCode = isSigned ? 0 : report.exit;
  });
}

interface VerifyOptions {
  readonly root?: string;
  readonly head?: string;
  readonly json?: true;
}

function addVerify(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('verify')
    .description('verify an export offline: signatures, authorship, chains, completeness, canonical form')
    .argument('<dir>', 'directory of an export')
    .option('--root <vkey>', 'the root key as you know it, or a file that holds it')
    .option('--head <file>', 'a checkpoint that you remember: shows a cut end and a replaced past')
    .addHelpText(
      'after',
      helpEnd(
        [
          '0   valid and witnessed (needs witnesses, which are not there yet)',
          '10  valid, not witnessed',
          '20  incomplete or stale',
          '30  two histories',
          '40  invalid',
          CODES.usage,
          CODES.config,
        ],
        'writ ledger verify ledger-2026-11-22 --root .writ/keys/root.vkey',
      ),
    );
  withJson(command).action(async (directory: string, options: VerifyOptions) => {
    const { formatReport, rememberedHead, rootVkey, verifyExport } = await import('../ledger-commands.js');
    const report = await verifyExport(directory, {
      rootVkey: options.root === undefined ? undefined : await rootVkey(options.root),
      rememberedHead: options.head === undefined ? undefined : await rememberedHead(options.head),
    });
    cli.print(options.json ? JSON.stringify(report) : formatReport(report));
    cli.exitCode = report.exit;
  });
}

function addStatus(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('status')
    .description('how full the streams are, and who wrote last')
    .addHelpText('after', helpEnd([CODES.ok, CODES.usage, CODES.unavailable, CODES.config], 'writ ledger status'));
  withOperator(command).action(async (options: CommonOptions) => {
    const { statusOf } = await import('../ledger-commands.js');
    const status = await statusOf(dataDirectory(options));
    if (options.json) {
      cli.print(JSON.stringify(status));
      return;
    }
    cli.print(`ledger ${status.ledger}`);
    for (const { stream, messages, bytes, bytesMax, lastSeq, isNearlyFull } of status.streams) {
      const share = `${((100 * bytes) / bytesMax).toFixed(1)} % of ${bytesMax} bytes`;
      cli.print(`${stream.padEnd(13)} ${messages} messages, last ${lastSeq}, ${bytes} bytes (${share})`);
      if (isNearlyFull) cli.note(`warning: ${stream} is nearly full; full, every call is denied`);
    }
    for (const { producer, lastSeq, lastAt } of status.producers) {
      cli.print(`${producer.padEnd(13)} last block ${lastSeq} at ${lastAt}`);
    }
  });
}
