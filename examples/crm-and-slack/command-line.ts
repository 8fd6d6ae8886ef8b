import { join } from 'node:path';
import { runToEnd, type ChildOptions, type Finished } from './child.js';

/** The command line of Writ, as somebody with a shell has it. */
export interface CommandLine {
  /** How to start `writ <args>` as a process. */
  start(...args: readonly string[]): ChildOptions;
  /** Runs `writ <args>` to its end and fails, with what it printed, unless it ends with that code. */
  runEndingWith(code: number, ...args: readonly string[]): Promise<Finished>;
}

const COMMAND_WITHIN_MS = 20_000;

/** The command line of the package in `root`, with these variables in its environment. */
export function commandLine(root: string, variables: Readonly<Record<string, string>>): CommandLine {
  const start = (...args: readonly string[]): ChildOptions => ({
    args: [join(root, 'bin', 'writ.js'), ...args],
    cwd: root,
    env: { ...process.env, ...variables },
  });
  return {
    start,
    runEndingWith: async (code, ...args) => {
      const finished = await runToEnd(start(...args), COMMAND_WITHIN_MS);
      if (finished.code === code) return finished;
      const said = `${finished.stdout}${finished.stderr}`.trim();
      throw new Error(`\`writ ${args.join(' ')}\` ended with ${String(finished.code)}, not ${code}: ${said}`);
    },
  };
}
