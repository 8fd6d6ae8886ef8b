import type { Command } from 'commander';
import { type Cli, CODES, type CommonOptions, configPath, dataDirectory, helpEnd, withJson } from '../cli.js';

/** `writ keys` */
export function addKeysCommand(program: Command, cli: Cli): void {
  const command = program
    .command('keys')
    .description('show the public keys of a deployment, and make all its keys when it has none yet')
    .option('--config <file>', 'configuration (default: writ.yaml)')
    .option('--data <dir>', 'data directory (default: .writ beside the configuration)')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, CODES.usage, CODES.config],
        'writ keys --config my-writ/writ.yaml',
        'writ witness --state w1 --log "$(writ keys --json | jq -r .log)"',
      ),
    );
  withJson(command).action(async (options: CommonOptions) => {
    const { publicKeys } = await import('../keys/public-keys.js');
    const { root, log } = await publicKeys({ config: configPath(options), dataDir: dataDirectory(options) });
    if (options.json) cli.print(JSON.stringify({ root, log }));
    else {
      cli.print(`root  ${root}`);
      cli.print(`log   ${log}`);
      cli.note('auditors verify with the root key (`writ ledger verify --root`); witnesses watch the key of the log');
    }
  });
}
