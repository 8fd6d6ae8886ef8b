import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseWhole } from '../call/parse-whole.js';
import { type Cli, CODES, type CommonOptions, configPath, dataDirectory, helpEnd, withJson } from '../cli.js';
import type { SecretCommand, SecretOutcome } from '../secret/run-secret.js';

const CODES_OF_SECRET = [
  CODES.ok,
  `${CODES.usage}, a name or a value that cannot be one`,
  CODES.unavailable,
  `${CODES.config}, the name is taken or not known`,
];
const LATER = 'no `writ up` runs: the next one records it in the ledger';
const HOURS = { min: 0, max: 8_760 };
const WEEK_HOURS = '168';

/** `writ secret set|list|rotate|remove|rekey` */
export function addSecretCommand(program: Command, cli: Cli): void {
  const secret = program.command('secret').description('keep the values of credentials in the encrypted store');
  addSet(secret, cli);
  addList(secret, cli);
  addRotate(secret, cli);
  addRemove(secret, cli);
  addRekey(secret, cli);
}

function addSet(secret: Command, cli: Cli): void {
  const command = secret
    .command('set')
    .description('put a new secret into the store; its value is read from standard input, and never from an argument')
    .argument('<name>', 'name of the secret: ^[a-z0-9][a-z0-9-]{0,62}$')
    .addHelpText('after', helpEnd(CODES_OF_SECRET, 'writ secret set slack-token < token.txt'));
  withPlace(command).action((name: string, options: CommonOptions) => change({ kind: 'set', name }, options, cli));
}

function addRotate(secret: Command, cli: Cli): void {
  const command = secret
    .command('rotate')
    .description('give a secret another value, from standard input; executors use it from the next request on')
    .argument('<name>', 'name of the secret')
    .option('--keep-previous <hours>', 'for how long the value before is still taken out of answers', WEEK_HOURS)
    .option('--drop-previous', 'read no value: forget the values before, now')
    .addHelpText(
      'after',
      helpEnd(
        CODES_OF_SECRET,
        'writ secret rotate slack-token < token.txt',
        'writ secret rotate slack-token --drop-previous',
      ),
    );
  type Options = CommonOptions & { readonly keepPrevious: string; readonly dropPrevious?: true };
  withPlace(command).action((name: string, options: Options) => {
    const keepHours = parseWhole(options.keepPrevious, '--keep-previous', HOURS);
    const wanted: SecretCommand =
      options.dropPrevious === true ? { kind: 'drop-previous', name } : { kind: 'rotate', name, keepHours };
    return change(wanted, options, cli);
  });
}

function addRemove(secret: Command, cli: Cli): void {
  const command = secret
    .command('remove')
    .description('take a secret out of the store, with its earlier values')
    .argument('<name>', 'name of the secret')
    .addHelpText('after', helpEnd(CODES_OF_SECRET, 'writ secret remove slack-token'));
  withPlace(command).action((name: string, options: CommonOptions) => change({ kind: 'remove', name }, options, cli));
}

function addRekey(secret: Command, cli: Cli): void {
  const command = secret
    .command('rekey')
    .description('give the store itself another key, under a new age identity; no value changes')
    .option(
      '--keep-old <file>',
      'keep the old identity in this new file, to open backups with; otherwise it is destroyed',
    )
    .addHelpText(
      'after',
      helpEnd(CODES_OF_SECRET, 'writ secret rekey', 'writ secret rekey --keep-old /safe/secrets.age'),
    );
  withPlace(command).action(async (options: CommonOptions & { readonly keepOld?: string }) => {
    const { rekeySecrets } = await import('../secret/run-secret.js');
    const keepOld = options.keepOld === undefined ? undefined : resolve(options.keepOld);
    const outcome = await rekeySecrets(placeOf(options), keepOld);
    cli.print(options.json ? JSON.stringify(outcome) : `${outcome.secrets} secrets under the new key ${outcome.key}`);
    if (!options.json && !outcome.recorded) cli.note(LATER);
  });
}

function addList(secret: Command, cli: Cli): void {
  const command = secret
    .command('list')
    .description('names, versions and times of the secrets; never a value')
    .addHelpText('after', helpEnd(CODES_OF_SECRET, 'writ secret list'));
  withPlace(command).action(async (options: CommonOptions) => {
    const { listSecrets } = await import('../secret/run-secret.js');
    const secrets = await listSecrets(placeOf(options));
    if (options.json) {
      cli.print(JSON.stringify({ secrets }));
      return;
    }
    if (secrets.length === 0) cli.note('the store has no secret');
    const width = Math.max(0, ...secrets.map(({ name }) => name.length));
    for (const { name, version, since, previous } of secrets) {
      const kept = previous.map((each) => `version ${each.version} scrubbed until ${each.until}`).join(', ');
      cli.print(`${name.padEnd(width)}  version ${version}  since ${since}${kept === '' ? '' : `  ${kept}`}`);
    }
  });
}

async function change(command: SecretCommand, options: CommonOptions, cli: Cli): Promise<void> {
  const { runSecret } = await import('../secret/run-secret.js');
  const outcome = await runSecret(command, placeOf(options), cli);
  cli.print(options.json ? JSON.stringify(outcome) : sentenceOf(outcome));
  if (!options.json && !outcome.recorded) cli.note(LATER);
}

function sentenceOf({ name, done, version }: SecretOutcome): string {
  return version === undefined ? `${name} is ${done}` : `${name} is ${done}, version ${version}`;
}

function placeOf(options: CommonOptions) {
  const config = configPath(options);
  // A data directory that is named needs no configuration. Without either, a wrong folder would get a store that no Writ reads.
  const isDataAlone = options.data !== undefined && options.config === undefined && !existsSync(config);
  return { config: isDataAlone ? undefined : config, dataDir: dataDirectory(options) };
}

function withPlace(command: Command): Command {
  return withJson(
    command
      .option('--config <file>', 'configuration (default: writ.yaml)')
      .option('--data <dir>', 'data directory of the deployment (default: .writ beside the configuration)'),
  );
}
