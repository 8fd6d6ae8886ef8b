import type { Command } from 'commander';
import { type Cli, CODES, helpEnd, withJson } from '../cli.js';
import { UsageError } from '../failure.js';

interface WitnessCommandOptions {
  readonly state?: string;
  readonly listen: string;
  readonly key?: string;
  readonly log: readonly string[];
  readonly json?: true;
}

interface InitOptions {
  readonly name: string;
  readonly json?: true;
}

/** `writ witness`, `writ witness init` */
export function addWitnessCommand(program: Command, cli: Cli): void {
  const command = program
    .command('witness')
    .description('cosign the checkpoints of logs that somebody else runs, each only when it extends the one before')
    .option('--state <dir>', 'its memory, made by `writ witness init`')
    .option('--listen <host:port>', 'where it takes requests; put TLS in front', '127.0.0.1:4300')
    .option('--key <file>', 'its key (default: witness.key in the state directory)')
    .option('--log <vkey>', 'a log to watch; can be given more than once', collect, [])
    .addHelpText(
      'after',
      helpEnd(
        ['0   stopped by a signal', CODES.usage, `78  the key, the state or the port cannot be used`],
        'writ witness init w1 --name witness.example/w1',
        'writ witness --state w1 --log writ.example/acme/2026+34ef099f+AYqI…',
      ),
    );
  withJson(command).action(async (options: WitnessCommandOptions) => {
    if (options.state === undefined) throw new UsageError("required option '--state <dir>' not specified");
    if (options.log.length === 0) throw new UsageError("required option '--log <vkey>' not specified");
    const { runWitness } = await import('#writ/witness-server');
    const { state, listen, key, log } = options;
    await runWitness({ state, listen, keyFile: key, logs: log }, (ready) => {
      if (options.json) cli.print(JSON.stringify({ event: 'ready', ...ready }));
      else cli.print(`witness ${ready.name} at ${ready.url} watches ${ready.logs.length} log(s)`);
    });
  });
  addInit(command, cli);
}

function addInit(witness: Command, cli: Cli): void {
  const command = witness
    .command('init')
    .description('make a witness: its key and an empty memory')
    .argument('<dir>', 'state directory; it is made, or must be empty')
    .requiredOption('--name <name>', 'its name, a URL without a scheme, such as witness.example/w1')
    .addHelpText(
      'after',
      helpEnd([CODES.ok, CODES.usage, CODES.config], 'writ witness init w1 --name witness.example/w1'),
    );
  withJson(command).action(async (directory: string, _options: unknown, self: Command) => {
    // `--json` is an option of `writ witness` too, which takes it first.
    const { name, json } = self.optsWithGlobals<InitOptions>();
    const { initWitness } = await import('#writ/witness-server');
    const made = await initWitness(directory, name);
    if (json) {
      cli.print(JSON.stringify({ directory, name, ...made }));
      return;
    }
    cli.print(made.vkey);
    cli.note(`Give the line above to whoever runs the log, for writ.yaml:\n${yamlOf(name, made.vkey)}`);
    cli.note(`next: writ witness --state ${directory} --log VKEY_OF_THE_LOG`);
    cli.note(
      `Never restore ${directory} from a backup: an old memory cosigns what it must refuse. Make a new witness.`,
    );
  });
}

function yamlOf(name: string, vkey: string): string {
  return `witnesses:\n  - name: ${name}\n    vkey: '${vkey}'\n    url: https://… (where your proxy takes requests for it)`;
}

function collect(value: string, others: readonly string[]): readonly string[] {
  return [...others, value];
}
