import type { Command } from 'commander';
import { parseWhole } from '../call/parse-whole.js';
import { type Cli, CODES, type CommonOptions, configIn, helpEnd, withJson } from '../cli.js';
import { addPolicyTools } from './policy-tools.js';

/** `writ policy check|publish|test|diff|replay` */
export function addPolicyCommand(program: Command, cli: Cli): void {
  const policy = program.command('policy').description('look at policies before they decide');
  const check = policy
    .command('check')
    .description('parse, validate and compile the policies, as a decision service does when it starts')
    .argument('[path]', 'configuration, or the folder that it is in (default: writ.yaml)')
    .option('--config <file>', 'configuration (default: writ.yaml)')
    .option('--data <dir>', 'data directory, for the agents that are registered (default: .writ beside it)')
    .addHelpText(
      'after',
      helpEnd(
        ['0   the policies are good', CODES.usage, '78  they are not, or the configuration is wrong'],
        'writ policy check my-writ',
      ),
    );
  withJson(check).action(async (path: string | undefined, options: CommonOptions) => {
    const { runCheck } = await import('../policy/run-check.js');
    cli.exitCode = await runCheck(path === undefined ? options : { ...options, config: configIn(path) }, cli);
  });
  addPublishCommand(policy, cli);
  addPolicyTools(policy, cli);
}

interface Numbers {
  readonly author?: string;
  readonly policyVersion?: string;
  readonly over?: string;
}

const VERSIONS = { min: 1, max: Number.MAX_SAFE_INTEGER };

function addPublishCommand(policy: Command, cli: Cli): void {
  const publish = policy
    .command('publish')
    .description('sign the policies as they are now; with `policyActivation: manifest` only these are put in force')
    .option('--author <name>', 'who publishes, for the record (default: the name of your account)')
    .option('--policy-version <n>', 'number of this version (default: one more than the manifest beside the policies)')
    .option('--over <n>', 'the version in force that an older one replaces; that is on record')
    .option('--config <file>', 'configuration (default: writ.yaml)')
    .option('--data <dir>', 'data directory with the key of the operator (default: .writ beside it)')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, CODES.usage, '78  the policies do not load, or the configuration is wrong'],
        'writ policy publish --author alice',
      ),
    );
  withJson(publish).action(async ({ policyVersion, over, ...options }: CommonOptions & Numbers) => {
    const { runPublish } = await import('../policy/run-publish.js');
    const version =
      policyVersion === undefined ? {} : { version: parseWhole(policyVersion, '--policy-version', VERSIONS) };
    const replaced = over === undefined ? {} : { over: parseWhole(over, '--over', VERSIONS) };
    await runPublish({ ...options, ...version, ...replaced }, cli);
  });
}
