import { Command, CommanderError } from 'commander';
import { type Cli, processCli } from './cli.js';
import { addAgentCommand } from './commands/agent.js';
import { addCallCommand } from './commands/call.js';
import { addCatalogCommand } from './commands/catalog.js';
import { addDeployCommand } from './commands/deploy.js';
import { addExplainCommand } from './commands/explain.js';
import { addInitCommand } from './commands/init.js';
import { addKeysCommand } from './commands/keys.js';
import { addLedgerCommand } from './commands/ledger.js';
import { addMemoryCommand } from './commands/memory.js';
import { addPolicyCommand } from './commands/policy.js';
import { addSecretCommand } from './commands/secret.js';
import { addSiemCommand } from './commands/siem.js';
import { addTailCommand } from './commands/tail.js';
import { addToolsCommand } from './commands/tools.js';
import { addUpCommand } from './commands/up.js';
import { addWitnessCommand } from './commands/witness.js';
import { EXIT } from './exit-codes.js';
import { failureOf } from './failure.js';
import { packageVersion } from './package-root.js';
import { printableLines } from './printable.js';

/**
 * Runs one command line and returns the exit code. An error is one line `CODE: sentence` on stderr, and with `--json` one object
 * `{"error":{code,message}}` on stdout.
 */
export async function runCommandLine(args: readonly string[], cli: Cli = processCli()): Promise<number> {
  try {
    await buildProgram(cli).parseAsync([...args], { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    // Help and version end the parsing by an error that is none.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    // The help was shown instead of a command that was not named: that says it.
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage;
    const failure = failureOf(error);
    const { code, message } = failure;
    if (args.includes('--json')) cli.print(JSON.stringify({ error: { code, message } }));
    else cli.note(printableLines(`${code}: ${message}`));
    return failure.exit;
  }
}

/** Commands load what they run when they run: to start fast is part of what `writ up` and `writ call` promise. */
function buildProgram(cli: Cli): Command {
  const program = new Command('writ')
    .description('Every call of an agent decided by policy, on record, then executed.')
    .version(packageVersion(), '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => cli.print(text.trimEnd()),
      // Errors are told once, in one form, by `runCommandLine`; the help that follows a missing command is wanted.
      writeErr: (text) => {
        if (text.startsWith('Usage:')) cli.note(text.trimEnd());
      },
      outputError: () => undefined,
    });
  addInitCommand(program, cli);
  addKeysCommand(program, cli);
  addUpCommand(program, cli);
  addAgentCommand(program, cli);
  addCallCommand(program, cli);
  addCatalogCommand(program, cli);
  addToolsCommand(program, cli);
  addTailCommand(program, cli);
  addExplainCommand(program, cli);
  addMemoryCommand(program, cli);
  addPolicyCommand(program, cli);
  addLedgerCommand(program, cli);
  addSecretCommand(program, cli);
  addSiemCommand(program, cli);
  addDeployCommand(program, cli);
  addWitnessCommand(program, cli);
  return program;
}
