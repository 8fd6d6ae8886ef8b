import { type Catalogue, loadCatalogue, type McpServerDeclaration, parseYaml, TOOL_FILE_END } from '#writ/catalogue';
import { Sandbox } from '#writ/containment';
import type { Json } from '#writ/contracts';
import { openBroker } from '#writ/credentials';
import { deploymentPaths, egressWays } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { readFileIfPresent, writeFileAtomic } from '#writ/files';
import { connectMcp } from '#writ/mcp';
import { fetchOutbound, sendOutbound } from '#writ/outbound';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Cli, type CommonOptions, configPath, dataDirectory } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { formatImport, type ImportReport } from './format-import.js';
import type { Imported } from './imported.js';
import { mcpTools } from './mcp-tools.js';
import { openApiTools } from './openapi-tools.js';
import { compareTools, renderTools, toolsIn } from './tool-file.js';

export interface ImportOptions extends CommonOptions {
  readonly approve?: true;
  readonly yes?: true;
}

export interface OpenApiImportOptions extends ImportOptions {
  readonly name?: string;
  readonly url?: string;
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const DOCUMENT_BYTES_MAX = 16_777_216;

/** Imports the tools of a declared MCP server. Returns the exit code. Throws CONFIG_* and EXECUTOR_UNREACHABLE. */
export async function runImportMcp(server: string, options: ImportOptions, cli: Cli): Promise<number> {
  const catalogue = await loadCatalogue(configPath(options), process.env);
  const { mcpServers } = catalogue.config;
  const declaration = Object.hasOwn(mcpServers, server) ? mcpServers[server] : undefined;
  if (declaration === undefined)
    throw new Fault('CONFIG_NOT_FOUND', `no server \`${server}\` is declared under \`mcpServers\``);
  const sandbox = await Sandbox.probe({
    usual: catalogue.config.containment,
    hidden: [dataDirectory(options)],
    egress: egressWays(deploymentPaths(dataDirectory(options)), catalogue.config),
  });
  warnUncontained(declaration, { catalogue, sandbox, cli });
  const connection = await connectMcp({
    declaration,
    baseDirectory: catalogue.baseDirectory,
    signal: new AbortController().signal,
    sandbox,
    http: {
      credentials: openBroker(catalogue, { dataDir: dataDirectory(options), send: sendOutbound }),
      fetch: fetchOutbound,
      onOwnUse: () => undefined,
    },
    now: () => performance.now(),
    onDefinitions: () => undefined,
  });
  await connection.close();
  return keep(mcpTools(server, connection.definitions), { catalogue, name: server, options, cli });
}

interface Surroundings {
  readonly catalogue: Catalogue;
  readonly sandbox: Sandbox;
  readonly cli: Cli;
}

/** Says so before a program runs with all that this user may do. One that must be contained is refused when it is started. */
function warnUncontained(declaration: McpServerDeclaration, { catalogue, sandbox, cli }: Surroundings): void {
  if (!('command' in declaration) || declaration.egress !== undefined || sandbox.problem === undefined) return;
  const { containment = catalogue.config.containment } = declaration;
  if (containment === 'preferred') cli.note(`warning: the server runs UNCONTAINED: ${sandbox.problem}`);
}

/** Imports the operations of an OpenAPI document. Returns the exit code. Throws CONFIG_*. */
export async function runImportOpenApi(file: string, options: OpenApiImportOptions, cli: Cli): Promise<number> {
  const name = options.name ?? basename(file).replace(/\..*$/, '').toLowerCase();
  if (!NAME.test(name))
    throw new UsageError(`\`${name}\` cannot begin the names of tools: \`--name\` with a-z, 0-9 and -`);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new Fault('CONFIG_NOT_FOUND', `the file \`${file}\` cannot be read`, { cause });
  });
  if (bytes.length > DOCUMENT_BYTES_MAX)
    throw new Fault('CONFIG_INVALID', `\`${file}\` is over ${DOCUMENT_BYTES_MAX} bytes`);
  // What YAML has and JSON has not, such as infinity, is no part of a definition.
  const document = JSON.parse(JSON.stringify(parseYaml(bytes.toString('utf8'), basename(file)).value)) as Json;
  const catalogue = await loadCatalogue(configPath(options), process.env);
  return keep(openApiTools(document, { name, url: options.url }), { catalogue, name, options, cli });
}

interface Keeping {
  readonly catalogue: Catalogue;
  /** Of the file: `NAME.tools.yaml`. */
  readonly name: string;
  readonly options: ImportOptions;
  readonly cli: Cli;
}

/** Writes a first file at once. Over what was approved before it writes only when that is said. */
async function keep(imported: Imported, { catalogue, name, options, cli }: Keeping): Promise<number> {
  const file = join(catalogue.baseDirectory, catalogue.config.toolFolder, `${name}${TOOL_FILE_END}`);
  const before = await readFileIfPresent(file);
  const { tools, skipped } = withoutTaken(imported, catalogue, before === undefined ? [] : toolsIn(before, file));
  const changes = compareTools(before, file, tools);
  const isDifferent = changes.added.length + changes.removed.length + changes.changed.length > 0;
  const isApproved = before === undefined || options.approve === true || options.yes === true;
  const written = isDifferent && isApproved;
  if (written) await write(file, renderTools(before, tools, changes));
  const report: ImportReport = { file, written, ...changes, skipped };
  if (options.json) cli.print(JSON.stringify(report));
  else for (const line of formatImport(report, tools)) cli.print(line);
  return isDifferent && !written ? EXIT.no : EXIT.ok;
}

/** A tool that is declared elsewhere stays what it is there. */
function withoutTaken({ tools, skipped }: Imported, catalogue: Catalogue, own: readonly string[]): Imported {
  const isTaken = (name: string) => catalogue.tools.has(name) && !own.includes(name);
  const taken = tools.filter(({ name }) => isTaken(name));
  return {
    tools: tools.filter(({ name }) => !isTaken(name)),
    skipped: [...skipped, ...taken.map(({ name }) => ({ name, why: 'a tool of that name is declared elsewhere' }))],
  };
}

/** The whole file or nothing. Services of other users read it, so it is as readable as the configuration usually is. */
async function write(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFileAtomic(file, text, 0o644);
  } catch (cause) {
    throw new Fault('CONFIG_INVALID', `\`${file}\` cannot be written`, { cause });
  }
}
