import type { Command } from 'commander';
import { type Cli, CODES, type CommonOptions, configPath, dataDirectory, helpEnd, withJson } from '../cli.js';

interface UpCommandOptions extends CommonOptions {
  readonly nats?: string;
}

/** `writ up` */
export function addUpCommand(program: Command, cli: Cli): void {
  const command = program
    .command('up')
    .description('run everything on this machine: nats-server and every service, each its own process')
    .option('--config <file>', 'configuration (default: writ.yaml)')
    .option('--data <dir>', 'data directory (default: .writ beside the configuration)')
    .option('--nats <path>', 'nats-server to run; found or fetched when it is not named')
    .addHelpText(
      'after',
      helpEnd(
        ['0   stopped by a signal', CODES.usage, '69  nats-server ended', `${CODES.config}, or a policy is`],
        'writ up --config my-writ/writ.yaml',
        'writ up --json | jq -r \'select(.event == "ready").url\'',
      ),
    );
  withJson(command).action(async (options: UpCommandOptions) => {
    const { runUp } = await import('../up/run-up.js');
    cli.exitCode = await runUp(
      {
        config: configPath(options),
        dataDir: dataDirectory(options),
        natsServer: options.nats,
        isJson: options.json === true,
      },
      cli,
    );
  });
}
