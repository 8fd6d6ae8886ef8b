import type { Command } from 'commander';
import type { Rotated } from '../keys/rotate-keys.js';
import { type Cli, CODES, type CommonOptions, configPath, dataDirectory, helpEnd, withJson } from '../cli.js';
import { UsageError } from '../failure.js';

/** `writ keys`, `writ keys rotate` */
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
    const { root, log, logNext } = await publicKeys({ config: configPath(options), dataDir: dataDirectory(options) });
    if (options.json) cli.print(JSON.stringify({ root, log, ...(logNext !== undefined && { logNext }) }));
    else {
      cli.print(`root  ${root}`);
      cli.print(`log   ${log}`);
      if (logNext !== undefined) cli.print(`log   ${logNext}  (takes its place: witnesses need both)`);
      cli.note('auditors verify with the root key (`writ ledger verify --root`); witnesses watch the key of the log');
    }
  });
  addRotate(command, cli);
}

interface RotateOptions {
  readonly config?: string;
  readonly data?: string;
  readonly json?: true;
  readonly rootKey?: string;
  readonly log?: string;
  readonly end?: true;
  readonly atOnce?: true;
}

function addRotate(keys: Command, cli: Cli): void {
  keys
    .command('rotate')
    .description('replace the key of a producer process, of the operator, or of the log, while everything runs')
    .argument('<key>', '`log`, `operator`, or the name of a process, such as `pdp-1`')
    .option('--root-key <file>', 'the root key, which signs the new trust bundle (default: keys/root.key)')
    .option('--log <dir>', 'directory of the log, when `WRIT_LOG_DIR` puts it elsewhere')
    .option('--end', 'of `log`: the new key signs alone from now on')
    .option('--at-once', 'of `log`: begin and end, for a key that was stolen; witnesses must be told first')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, CODES.usage, CODES.unavailable, CODES.config],
        'writ keys rotate pdp-1',
        'writ keys rotate log          # both keys sign; give the vkey to the witnesses',
        'writ keys rotate log --end    # when they have it',
      ) + '\n\nWhat was interrupted is completed by the same command.',
    )
    .action(async (name: string, _options: unknown, self: Command) => {
      // `--data`, `--config` and `--json` are options of `writ keys` too, which takes them first.
      const options = self.optsWithGlobals<RotateOptions>();
      if (name !== 'log' && (options.end === true || options.atOnce === true))
        throw new UsageError('`--end` and `--at-once` are of the key of the log alone');
      const { rotateKey } = await import('../keys/rotate-keys.js');
      const rotated = await rotateKey({
        dataDir: dataDirectory(options),
        name,
        rootKey: options.rootKey,
        log: options.log,
        phase: options.end === true ? 'end' : options.atOnce === true ? 'both' : 'begin',
        note: (line) => cli.note(line),
      });
      if (options.json) cli.print(JSON.stringify(rotated));
      else sayRotated(rotated, cli);
    });
}

function sayRotated({ name, old, next, phase, size, vkey }: Rotated, cli: Cli): void {
  if (phase === 'begun') {
    cli.print(vkey ?? next);
    cli.note(`Give the line above to every witness, beside the old one: \`writ witness --log OLD --log NEW\`.`);
    cli.note('Then: writ keys rotate log --end');
    return;
  }
  cli.print(`${name}: key ${old} counts up to ${size} entries; ${next} has taken its place`);
  if (vkey !== undefined) cli.note(`Witnesses need the new one alone now: ${vkey}`);
  if (name === 'operator') cli.note('Policies that were published have to be published again: `writ policy publish`.');
}
