import type { Command } from 'commander';
import { userInfo } from 'node:os';
import { type Cli, CODES, type CommonOptions, dataDirectory, helpEnd, withOperator } from '../cli.js';
import { UsageError } from '../failure.js';
import type { ErasurePlan } from '../ledger/erase.js';
import { printable } from '../printable.js';

interface DiscloseOptions extends CommonOptions {
  readonly fields: string;
  readonly agent?: string;
  readonly out?: string;
  readonly log?: string;
}

/** `writ ledger disclose` */
export function addDisclose(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('disclose')
    .description(
      'write chosen values of a call to a file that shows them to be the recorded ones; the rest stays hidden',
    )
    .argument('<call>', 'id of the call')
    .requiredOption(
      '--fields <pointers>',
      'what to disclose, by commas: /in, one argument such as /in/amount, /cmd, /out',
    )
    .option('--agent <name>', 'whose call, when several agents have one with that id')
    .option('--out <file>', 'the file, which must not be there yet (default: CALL.disclosure)')
    .option('--log <dir>', 'directory of the log (default: `ledger` in the data directory)')
    .addHelpText(
      'after',
      helpEnd(
        [
          CODES.ok,
          '1   no such call, or its values were erased or are past retention',
          CODES.usage,
          CODES.unavailable,
          CODES.config,
        ],
        'writ ledger disclose call-77 --fields /in/amount,/out',
        'writ ledger verify call-77.disclosure --root .writ/keys/root.vkey',
      ),
    );
  withOperator(command).action(async (call: string, options: DiscloseOptions) => {
    const { disclose, writeDisclosure } = await import('../ledger-commands.js');
    const { agent, log, out: file = `${call}.disclosure` } = options;
    const fields = options.fields.split(',');
    if (!fields.every((field) => /^\/[^/]+(\/[^/]+)?$/.test(field))) {
      throw new UsageError('`--fields` takes JSON Pointers by commas, such as `/in/amount,/out`');
    }
    const note = (line: string) => cli.note(line);
    const disclosure = await disclose({ call, agent, fields, dataDir: dataDirectory(options), log, note });
    await writeDisclosure(file, disclosure);
    const paths = disclosure.entries.flatMap(({ values }) => values.map(({ path }) => path));
    if (options.json) cli.print(JSON.stringify({ call, file, paths }));
    else cli.print(`${file}  ${paths.join(', ')}`);
  });
}

/** `writ ledger detokenise` */
export function addDetokenise(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('detokenise')
    .description('print the values that a policy put into tokens; all of them or none')
    .argument('[token...]', 'such as `[sealed:…:email]` (default: one per line on stdin)')
    .addHelpText(
      'after',
      helpEnd(
        [
          CODES.ok,
          '1   one is no token of this vault or was changed, or its value was erased or is past retention',
          CODES.usage,
          CODES.unavailable,
          CODES.config,
        ],
        "writ ledger detokenise '[sealed:…:email]'",
        'writ ledger detokenise --json < tokens.txt   # values to the letter',
      ),
    );
  withOperator(command).action(async (given: readonly string[], options: CommonOptions) => {
    const { linesOf, openTokens } = await import('../ledger-commands.js');
    if (given.length === 0 && process.stdin.isTTY) throw new UsageError('give tokens, or a file of them on stdin');
    const tokens = given.length > 0 ? given : await linesOf(process.stdin);
    const values = await openTokens(tokens, dataDirectory(options));
    // An agent, or a service behind a tool, chose the values.
    if (options.json) cli.print(JSON.stringify(values));
    else for (const value of values) cli.print(printable(value));
  });
}

interface EraseOptions extends CommonOptions {
  readonly subject?: string;
  readonly agent?: string;
  readonly day?: string;
  readonly basis?: string;
  readonly by?: string;
  readonly yes?: true;
  readonly again?: true;
}

/** `writ ledger erase` */
export function addErase(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('erase')
    .description('destroy the keys to the arguments and results of a data subject for ever; every proof stays valid')
    .option('--subject <type:id>', 'whose values, as `dataSubject` in writ.yaml names them')
    .option('--agent <name>', 'values of an agent that are about no declared subject')
    .option('--day <date>', 'with --agent: of that day alone, in UTC')
    .option('--basis <text>', 'the legal basis, or a ticket; it stays in the ledger, so it must not name the subject')
    .option('--by <name>', 'who erases (default: the user of this machine)')
    .option('--yes', 'do not ask')
    .option('--again', 'carry out every erasure on record again: after a backup was restored')
    .addHelpText(
      'after',
      helpEnd(
        [`${CODES.ok}, or nothing is stored`, '1   not confirmed', CODES.usage, CODES.unavailable, CODES.config],
        'writ ledger erase --subject customer:4711 --basis "GDPR Art. 17(1)(b), DSR-2026-118" --yes',
        'writ ledger erase --again',
      ),
    );
  withOperator(command).action(async (options: EraseOptions) => {
    if (options.again) await runAgain(options, cli);
    else await runErase(options, cli);
  });
}

async function runErase(options: EraseOptions, cli: Cli): Promise<void> {
  const { erase, targetOf } = await import('../ledger-commands.js');
  const target = targetOf(options);
  const { basis, by = userInfo().username } = options;
  if (basis === undefined || basis === '' || basis.length > 256 || by === '' || by.length > 128) {
    throw new UsageError(
      'say on which basis with `--basis`, in at most 256 characters, and `--by` whom in at most 128',
    );
  }
  const confirm = (plan: ErasurePlan) => (options.yes ? Promise.resolve(true) : confirmed(plan, cli));
  const erased = await erase({ dataDir: dataDirectory(options), target, by, basis, confirm });
  if (options.json) {
    cli.print(JSON.stringify({ erased: erased ?? null }));
  } else if (erased === undefined) {
    cli.print('not confirmed: nothing was erased');
  } else if (erased.keys === 0) {
    cli.print('nothing is stored under that name: nothing was erased. A subject is named to the letter');
  } else {
    cli.print(`erased ${described(erased)}`);
  }
  if (erased === undefined) cli.exitCode = 1;
}

async function runAgain(options: EraseOptions, cli: Cli): Promise<void> {
  const { eraseAgain } = await import('../ledger-commands.js');
  const keys = await eraseAgain(dataDirectory(options));
  cli.print(
    options.json ? JSON.stringify({ keys }) : `${keys} keys that were erased before were here, and are erased again`,
  );
}

async function confirmed(plan: ErasurePlan, cli: Cli): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('nobody can be asked here: give `--yes`');
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  cli.note(`about to erase ${described(plan)}; nobody can undo it`);
  return terminal
    .question('type `erase` to go on: ')
    .then((answer) => answer.trim() === 'erase')
    .finally(() => terminal.close());
}

function described({ keys, commitments, days }: ErasurePlan): string {
  return `${commitments} values under ${keys} keys, of ${days[0]}${days.length > 1 ? ` to ${days.at(-1)}` : ''}`;
}

interface RewrapOptions extends CommonOptions {
  readonly newKey?: true;
}

/** `writ ledger rewrap` */
export function addRewrap(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('rewrap')
    .description('replace the tenant key: wrap every data key under the newest one, and take the older ones away')
    .option('--new-key', 'first step: add a new tenant key, which services use when they are started again')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, CODES.usage, CODES.unavailable, CODES.config],
        'writ ledger rewrap --new-key   # then restart Writ',
        'writ ledger rewrap',
      ),
    );
  withOperator(command).action(async (options: RewrapOptions) => {
    const { addTenantKey, rewrap } = await import('../ledger-commands.js');
    const dataDir = dataDirectory(options);
    if (options.newKey) {
      const count = await addTenantKey(dataDir);
      cli.print(
        options.json
          ? JSON.stringify({ tenantKeys: count })
          : `${count} tenant keys: restart Writ, then \`writ ledger rewrap\``,
      );
      return;
    }
    const rewrapped = await rewrap(dataDir);
    cli.print(
      options.json
        ? JSON.stringify({ rewrapped })
        : `${rewrapped} data keys are wrapped under the newest tenant key, the only one`,
    );
  });
}
