import type { Command } from 'commander';
import { dirname, extname, join, resolve } from 'node:path';
import { EXIT } from './exit-codes.js';

/** Where a command says something, and what it ends with. */
export interface Cli {
  /** One line of the answer, on stdout. */
  print(line: string): void;
  /** One line of progress or of a warning, on stderr. */
  note(line: string): void;
  /** Whether colours may be used on stdout. */
  readonly isColoured: boolean;
  /** Whether they may be used on stderr; what does not say so means no. */
  readonly isNoteColoured?: boolean;
  exitCode: number;
}

/** The terminal, or the pipes, of this process. */
export function processCli(): Cli {
  return {
    print: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    isColoured: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
    isNoteColoured: process.stderr.isTTY === true && process.env['NO_COLOR'] === undefined,
    exitCode: EXIT.ok,
  };
}

export interface CommonOptions {
  readonly json?: true;
  readonly data?: string;
  readonly config?: string;
}

const DEFAULT_CONFIG = 'writ.yaml';

/** The configuration file that is meant, absolute. */
export function configPath({ config }: CommonOptions): string {
  return resolve(config ?? DEFAULT_CONFIG);
}

/** The configuration that is meant by a path: the file itself, or `writ.yaml` in the folder. */
export function configIn(path: string): string {
  return extname(path) === '' ? join(path, DEFAULT_CONFIG) : path;
}

/** The data directory that is meant: `.writ` beside the configuration unless it is named. */
export function dataDirectory(options: CommonOptions): string {
  return resolve(options.data ?? join(dirname(configPath(options)), '.writ'));
}

/** Adds `--data` and `--json`, which every command that talks to a running Writ has. */
export function withDataAndJson(command: Command): Command {
  return withJson(command.option('--data <dir>', 'data directory of the deployment (default: .writ)'));
}

/** The same for commands that work as the operator: they can be told where the bus is. */
export function withOperator(command: Command): Command {
  return withDataAndJson(command).addHelpText(
    'after',
    '\nEnvironment:\n  WRIT_NATS_URL  where the bus is (default: where the running `writ up` says)',
  );
}

export function withJson(command: Command): Command {
  return command.option('--json', 'answer in JSON on stdout, errors as {"error":{code,message}}');
}

/** What stands below the options in `--help`: the exit codes, and a command that can be copied. */
export function helpEnd(codes: readonly string[], ...examples: readonly string[]): string {
  const lines = ['', 'Exit codes:', ...codes.map((code) => `  ${code}`), '', 'Example:'];
  return [...lines, ...examples.map((example) => `  $ ${example}`)].join('\n');
}

/** Exit codes that many commands share, for `helpEnd`. */
export const CODES = {
  ok: '0   done',
  usage: '64  wrong usage',
  unavailable: '69  no running Writ, or its ledger does not answer',
  config: '78  the configuration or the data directory is wrong',
} as const;
