import type { Command } from 'commander';
import { resolve } from 'node:path';
import {
  type Cli,
  CODES,
  type CommonOptions,
  configPath,
  dataDirectory,
  helpEnd,
  withJson,
  withOperator,
} from '../cli.js';

interface PrepareCommandOptions extends CommonOptions {
  readonly out: string;
  readonly listen: string;
  readonly store: string;
  readonly agentUrl: string;
  readonly provision?: true;
}

/** `writ deploy prepare|record` */
export function addDeployCommand(program: Command, cli: Cli): void {
  const deploy = program.command('deploy').description('prepare services that run as containers of their own');
  addPrepare(deploy, cli);
  addRecord(deploy, cli);
}

function addPrepare(deploy: Command, cli: Cli): void {
  const command = deploy
    .command('prepare')
    .description('make keys, streams, the server configuration, and a directory with its own keys for each instance')
    .option('--config <file>', 'configuration (default: writ.yaml)')
    .option('--data <dir>', 'data directory with all keys (default: .writ beside the configuration)')
    .requiredOption('--out <dir>', 'directory for what is given to the containers')
    .option('--listen <address>', 'where the server listens in its container', '0.0.0.0:4222')
    .option('--store <dir>', 'where the server finds `<data>/nats/store` in its container', '/data')
    .option('--agent-url <url>', 'what agents connect to, for their profiles', 'nats://127.0.0.1:4222')
    .option('--provision', 'provision again, after limits changed; no server may run on the streams')
    .addHelpText('after', helpEnd([CODES.ok, CODES.usage, CODES.config], 'writ deploy prepare --out out'));
  withJson(command).action(async (options: PrepareCommandOptions) => {
    const { prepareDeployment } = await import('../deploy/prepare-deployment.js');
    const { listen, store, agentUrl } = options;
    const prepared = await prepareDeployment(
      {
        config: configPath(options),
        dataDir: dataDirectory(options),
        outDir: resolve(options.out),
        listen,
        store,
        agentUrl,
        provision: options.provision === true,
      },
      (line) => cli.note(line),
    );
    if (options.json) cli.print(JSON.stringify(prepared));
    else cli.print(`prepared ${prepared.instances.join(', ')}`);
  });
}

function addRecord(deploy: Command, cli: Cli): void {
  const command = deploy
    .command('record')
    .description('put agents and secrets that were added, changed or removed on record (`writ up` does so by itself)')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, CODES.usage, CODES.unavailable, CODES.config],
        'WRIT_NATS_URL=nats://nats:4222 writ deploy record',
      ),
    );
  withOperator(command).action(async (options: CommonOptions) => {
    const { recordDeployment } = await import('../deploy/record-deployment.js');
    const { identities, secrets } = await recordDeployment(dataDirectory(options), process.env['WRIT_NATS_URL']);
    if (options.json) cli.print(JSON.stringify({ recorded: identities, secrets }));
    else {
      for (const { type, who } of identities) cli.print(`${type} ${who.agent}`);
      if (secrets > 0) cli.print(`${secrets} changes of secrets are on record`);
    }
  });
}
