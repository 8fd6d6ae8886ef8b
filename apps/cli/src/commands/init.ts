import type { Command } from 'commander';
import { join } from 'node:path';
import { type Cli, CODES, helpEnd, withJson } from '../cli.js';
import { initDirectory } from '../init/init-directory.js';

/** `writ init DIR` */
export function addInitCommand(program: Command, cli: Cli): void {
  const command = program
    .command('init')
    .description('write a working example configuration: writ.yaml, policies, agents, tools')
    .argument('<dir>', 'directory to write into; it is made, or must be empty')
    .addHelpText('after', helpEnd([CODES.ok, CODES.usage, '78  the directory is not empty'], 'writ init my-writ'));
  withJson(command).action(async (directory: string, options: { readonly json?: true }) => {
    const files = await initDirectory(directory);
    if (options.json) {
      cli.print(JSON.stringify({ directory, files }));
      return;
    }
    for (const file of files) cli.print(join(directory, file));
    cli.note(`next: writ up --config ${join(directory, 'writ.yaml')}`);
  });
}
