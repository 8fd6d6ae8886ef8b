import type { Command } from 'commander';
import { userInfo } from 'node:os';
import { type Cli, CODES, type CommonOptions, configPath, dataDirectory, helpEnd, withJson } from '../cli.js';
import { UsageError } from '../failure.js';

interface ContinueOptions extends CommonOptions {
  readonly as: string;
  readonly reason?: string;
  readonly by?: string;
  readonly rootKey?: string;
}

const BY_CHARACTERS_MAX = 128;
const REASON_CHARACTERS_MAX = 256;

/** `writ ledger continue` */
export function addContinueCommand(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('continue')
    .description(
      'end the ledger of a stopped deployment for good, and go on under another name: a new year, or a stolen log key',
    )
    .requiredOption('--as <name>', 'name of the ledger that goes on, such as writ.example/acme/2027')
    .option('--reason <text>', 'why; it stays in the ledger')
    .option('--by <name>', 'who does it (default: the user of this machine)')
    .option('--root-key <file>', 'the root key, which signs the new trust bundle (default: keys/root.key)')
    .option('--config <file>', 'configuration (default: writ.yaml)')
    .option('--data <dir>', 'data directory (default: .writ beside the configuration)')
    .addHelpText(
      'after',
      helpEnd(
        [
          CODES.ok,
          '1   the log does not verify: the ledger has ended, and nothing has begun',
          CODES.usage,
          '69  the log was not sealed, or not cosigned by its quorum, in time',
          CODES.config,
        ],
        'writ ledger continue --as writ.example/acme/2027 --reason "a new year"',
      ) +
        '\n\nWhat was interrupted is completed by the same command. Then set `ledger` in writ.yaml to the new name, give its log key to\n' +
        'the witnesses, and start Writ. The log that ended is in `ledgers`, whole.',
    );
  withJson(command).action((options: ContinueOptions) => run(options, cli));
}

async function run(options: ContinueOptions, cli: Cli): Promise<void> {
  const { as, reason, by = userInfo().username } = options;
  if (by === '' || by.length > BY_CHARACTERS_MAX || reason === '' || (reason?.length ?? 0) > REASON_CHARACTERS_MAX) {
    throw new UsageError(
      `\`--by\` takes 1 to ${BY_CHARACTERS_MAX} characters, \`--reason\` 1 to ${REASON_CHARACTERS_MAX}`,
    );
  }
  const { runContinue } = await import('../ledger-commands.js');
  const continued = await runContinue({
    config: configPath(options),
    dataDir: dataDirectory(options),
    as,
    by,
    ...(reason !== undefined && { reason }),
    rootKey: options.rootKey,
    note: (line) => cli.note(line),
  });
  if (options.json) {
    cli.print(JSON.stringify(continued));
    return;
  }
  const { from, size, root, log, vkey } = continued;
  cli.print(`${from} has ended with ${size} entries, root ${root}; its log is in ${log}`);
  cli.print(`${as} goes on; the key of its log, for every witness: ${vkey}`);
  cli.note(`Now set \`ledger: ${as}\` in the configuration, and publish policies again that were published.`);
}
