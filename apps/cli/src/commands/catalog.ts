import type { Command } from 'commander';
import type { CatalogOptions } from '../catalog/run-catalog.js';
import { type Cli, CODES, helpEnd, withDataAndJson } from '../cli.js';

/** `writ catalog --as AGENT` */
export function addCatalogCommand(program: Command, cli: Cli): void {
  const command = program
    .command('catalog')
    .description('what an agent could use at all: tools, namespaces and destinations')
    .requiredOption('--as <agent>', 'the agent whose profile is used')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, '1   refused', CODES.usage, '69  nobody decides at the moment', CODES.config],
        'writ catalog --as assistant',
        "writ catalog --as assistant --json | jq '.tools[].name'",
      ),
    );
  withDataAndJson(command).action(async (options: CatalogOptions) => {
    const { runCatalog } = await import('../catalog/run-catalog.js');
    cli.exitCode = await runCatalog(options, cli);
  });
}
