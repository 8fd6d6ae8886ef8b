import type { Command } from 'commander';
import { type Cli, CODES, helpEnd, withJson } from '../cli.js';
import type { ImportOptions, OpenApiImportOptions } from '../tools/run-import.js';

const DIFFERS_CODE = '1   it differs from what was approved, and nothing was written; or the server did not start';

/** `writ tools import mcp|openapi` */
export function addToolsCommand(program: Command, cli: Cli): void {
  const tools = program.command('tools').description('tools that others define');
  const imports = tools
    .command('import')
    .description('write NAME.tools.yaml: schemas, hints, and the hash of each definition that is approved by it');
  addMcp(imports, cli);
  addOpenApi(imports, cli);
}

function addMcp(imports: Command, cli: Cli): void {
  const command = imports
    .command('mcp')
    .description('start an MCP server of the configuration and import its tools')
    .argument('<server>', 'name under `mcpServers`')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, DIFFERS_CODE, CODES.usage, CODES.config],
        'writ tools import mcp files',
        'writ tools import mcp files --approve',
      ),
    );
  withApproval(command).action(async (server: string, options: ImportOptions) => {
    const { runImportMcp } = await import('../tools/run-import.js');
    cli.exitCode = await runImportMcp(server, options, cli);
  });
}

function addOpenApi(imports: Command, cli: Cli): void {
  const command = imports
    .command('openapi')
    .description('import the operations of an OpenAPI 3.0 or 3.1 document; nothing that it points at is fetched')
    .argument('<file>', 'the document, JSON or YAML')
    .option('--name <name>', 'what the names of the tools begin with (default: the name of the file)')
    .option('--url <url>', 'where the service is (default: the first server of the document)')
    .addHelpText(
      'after',
      helpEnd([CODES.ok, DIFFERS_CODE, CODES.usage, CODES.config], 'writ tools import openapi crm.yaml --name crm'),
    );
  withApproval(command).action(async (file: string, options: OpenApiImportOptions) => {
    const { runImportOpenApi } = await import('../tools/run-import.js');
    cli.exitCode = await runImportOpenApi(file, options, cli);
  });
}

function withApproval(command: Command): Command {
  return withJson(
    command
      .option('--config <file>', 'configuration (default: writ.yaml)')
      .option('--data <dir>', 'data directory, which no server sees (default: .writ beside the configuration)')
      .option('--approve', 'write over what was approved before')
      .option('--yes', 'the same'),
  );
}
