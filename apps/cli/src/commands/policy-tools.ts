import type { Command } from 'commander';
import { parseWhole } from '../call/parse-whole.js';
import { type Cli, CODES, helpEnd, withJson } from '../cli.js';
import type { DiffOptions } from '../policy/diff/run-diff.js';
import type { ReplayOptions } from '../policy/replay/run-replay.js';
import type { TestOptions } from '../policy/test/run-policy-tests.js';

const CONFIG_CODE = '78  the policies, a test file, the configuration or the data directory is wrong';
const NOTHING_ASKED_CODE = `${CONFIG_CODE}, or nothing was asked`;
const flipCodes = (what: string): readonly string[] => [`0   no ${what} flips`, '1   some do'];

/** `writ policy test|diff|replay` */
export function addPolicyTools(policy: Command, cli: Cli): void {
  addTest(policy, cli);
  addDiff(policy, cli);
  addReplay(policy, cli);
}

function addTest(policy: Command, cli: Cli): void {
  const command = policy
    .command('test')
    .description('run *.test.yaml files: requests, and what the policies have to say to them')
    .argument('[path...]', 'test files, or folders with some (default: the folder of the policies)')
    .option('--coverage', 'also tell which policies and conditions decided nothing')
    .addHelpText(
      'after',
      helpEnd(
        ['0   every test holds', '1   a test does not hold', CODES.usage, CONFIG_CODE],
        'writ policy test --config my-writ/writ.yaml --coverage',
      ),
    );
  withConfig(command).action(async (paths: string[], options: TestOptions) => {
    const { runPolicyTests } = await import('../policy/test/run-policy-tests.js');
    cli.exitCode = await runPolicyTests(paths, options, cli);
  });
}

function addDiff(policy: Command, cli: Cli): void {
  const command = policy
    .command('diff')
    .description('how two folders of policies differ, and which requests they answer differently')
    .argument('<old>', 'folder of policies')
    .argument('<new>', 'folder of policies')
    .option('--requests <path...>', 'test files whose requests are asked (default: those in the two folders)')
    .option('--from-ledger', 'ask what is on record in the data directory')
    .option('--old-obligations <dir>', 'folder of the second set that goes with <old> (default: that of writ.yaml)')
    .option('--new-obligations <dir>', 'folder of the second set that goes with <new> (default: that of writ.yaml)')
    .addHelpText(
      'after',
      helpEnd(
        [...flipCodes('request'), CODES.usage, '69  the ledger cannot be read', NOTHING_ASKED_CODE],
        'writ policy diff policies policies.next --from-ledger',
        'writ policy diff policies policies --new-obligations obligations.next',
      ),
    );
  withConfig(command).action(async (old: string, fresh: string, options: DiffOptions) => {
    const { runDiff } = await import('../policy/diff/run-diff.js');
    cli.exitCode = await runDiff([old, fresh], options, cli);
  });
}

function addReplay(policy: Command, cli: Cli): void {
  const command = policy
    .command('replay')
    .description('make the decisions on record again under other policies; nothing is run')
    .option('--policies <dir>', 'folder of the other policies (default: that of writ.yaml)')
    .option('--obligations <dir>', 'folder of the other second set (default: that of writ.yaml); give one of the two')
    .option('--from <seq>', 'first block of the ledger to decide again (default: 1)', (text) =>
      parseWhole(text, '--from', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    )
    .addHelpText(
      'after',
      helpEnd(
        [...flipCodes('decision'), CODES.usage, '69  the ledger cannot be read', NOTHING_ASKED_CODE],
        'writ policy replay --policies policies.next --data .writ',
      ),
    );
  withConfig(command).action(async (options: ReplayOptions) => {
    const { runReplay } = await import('../policy/replay/run-replay.js');
    cli.exitCode = await runReplay(options, cli);
  });
}

function withConfig(command: Command): Command {
  return withJson(
    command
      .option('--config <file>', 'configuration (default: writ.yaml)')
      .option('--data <dir>', 'data directory (default: .writ beside the configuration)'),
  );
}
