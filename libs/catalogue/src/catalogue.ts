import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { canonicalJson, type Json, type JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { type ArgumentSchema, type BodySchema, compileArguments, compileBody } from './argument-schema.js';
import { SchemaProblem } from './closed-schema.js';
import { type Environment, substituteEnvironment } from './environment.js';
import { fillCommand } from './command-template.js';
import { fillBody } from './http-body.js';
import { checkHttpTool } from './http-references.js';
import { checkCommandTool, checkReferences } from './references.js';
import { type DestinationDeclaration, type NamespaceDeclaration, WritConfig } from './schema.js';
import { type ToolDeclaration } from './tool-schema.js';
import { subjectProblem } from './subject-references.js';
import { readToolFiles, type ToolFileText, withToolFiles } from './tool-files.js';
import { fillUrl, type UrlTemplate } from './url-template.js';
import { validate } from './validate.js';
import { type FaultAt, parseYaml } from './yaml-source.js';

/** A declaration with its digest: `sha256:` and the hash of its canonical form. Decisions name it, executors compare it. */
export interface Declared<D> {
  readonly name: string;
  readonly declaration: D;
  readonly digest: string;
}

export interface CatalogueTool extends Declared<ToolDeclaration> {
  /** Throws INPUT_ARGUMENTS_INVALID with the path and the rule, never the value. Nothing is coerced, no default is filled in. */
  validateArguments(args: JsonObject): void;
  /** The parsed URL of an HTTP tool. */
  readonly urlTemplate?: UrlTemplate;
}

interface CatalogueDestination extends Declared<DestinationDeclaration> {
  /** What the declaration says about bodies, where it has a schema of them. */
  readonly bodySchema?: BodySchema;
}

/** What the configuration declares, checked: everything in it refers to something that exists. */
export interface Catalogue {
  readonly config: WritConfig;
  /** The folder of the configuration file: what relative paths in it are relative to. */
  readonly baseDirectory: string;
  readonly tools: ReadonlyMap<string, CatalogueTool>;
  readonly namespaces: ReadonlyMap<string, Declared<NamespaceDeclaration>>;
  readonly destinations: ReadonlyMap<string, CatalogueDestination>;
  /** Throws INPUT_UNKNOWN_TOOL. */
  tool(name: string): CatalogueTool;
  /** Throws INPUT_UNKNOWN_NAMESPACE. */
  namespace(name: string): Declared<NamespaceDeclaration>;
}

// A catalogue of thousands of tools fits; a file that was named by mistake does not.
const CONFIG_BYTES_MAX = 8_388_608;

/** Reads `writ.yaml` and the files of tools that belong to it. Throws CONFIG_INVALID that names file, line, column and field; a value is never in the message. */
export async function loadCatalogue(path: string, environment: Environment): Promise<Catalogue> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new Fault('CONFIG_INVALID', `the configuration \`${path}\` cannot be read`, { cause });
  }
  if (bytes.length > CONFIG_BYTES_MAX) {
    throw new Fault('CONFIG_INVALID', `the configuration \`${path}\` is over ${CONFIG_BYTES_MAX} bytes`);
  }
  const baseDirectory = dirname(resolve(path));
  const read = readConfig(bytes.toString('utf8'), basename(path), environment);
  return completeCatalogue(read, {
    baseDirectory,
    toolFiles: await readToolFiles(baseDirectory, read.config.toolFolder),
  });
}

/** The same from text. Files of tools are those that are given, and none is read. */
export function readCatalogue(
  text: string,
  from: {
    readonly file: string;
    readonly baseDirectory: string;
    readonly environment: Environment;
    readonly toolFiles?: readonly ToolFileText[];
  },
): Catalogue {
  const { baseDirectory, toolFiles = [] } = from;
  return completeCatalogue(readConfig(text, from.file, from.environment), { baseDirectory, toolFiles });
}

interface ReadConfig {
  readonly config: WritConfig;
  readonly faultAt: FaultAt;
}

function readConfig(text: string, file: string, environment: Environment): ReadConfig {
  const source = parseYaml(text, file);
  return {
    config: validate(WritConfig, substituteEnvironment(source, environment), source.fault),
    faultAt: source.fault,
  };
}

function completeCatalogue(
  read: ReadConfig,
  { baseDirectory, toolFiles }: { readonly baseDirectory: string; readonly toolFiles: readonly ToolFileText[] },
): Catalogue {
  const { config, faultAt } = withToolFiles(read.config, toolFiles, read.faultAt);
  checkReferences(config, faultAt);
  const tools = new Map(
    Object.entries(config.tools).map(([name, tool]) => [name, catalogueTool(name, tool, { config, faultAt })]),
  );
  const namespaces = declareAll(config.namespaces);
  const destinations = new Map(
    [...declareAll(config.destinations)].map(([name, declared]) => [name, withBodySchema(declared, faultAt)]),
  );
  return {
    config,
    baseDirectory,
    tools,
    namespaces,
    destinations,
    tool: (name) => tools.get(name) ?? unknown('INPUT_UNKNOWN_TOOL', 'tool', name),
    namespace: (name) => namespaces.get(name) ?? unknown('INPUT_UNKNOWN_NAMESPACE', 'memory namespace', name),
  };
}

function catalogueTool(
  name: string,
  written: ToolDeclaration,
  context: { readonly config: WritConfig; readonly faultAt: FaultAt },
): CatalogueTool {
  const schema = compileInput(name, written, context.faultAt);
  const declaration: ToolDeclaration = { ...written, input: schema.schema };
  const problem = written.dataSubject === undefined ? undefined : subjectProblem(written.dataSubject, schema.schema);
  if (problem !== undefined) throw context.faultAt(['tools', name, 'dataSubject', 'from'], problem);
  if (written.kind === 'command')
    checkCommandTool(written, schema, (field, text) => context.faultAt(['tools', name, field], text));
  const urlTemplate = written.kind === 'http' ? checkHttpTool(name, written, schema, context) : undefined;
  return {
    name,
    declaration,
    digest: digestOf(digestedOf(declaration, context.config)),
    ...(urlTemplate === undefined ? {} : { urlTemplate }),
    validateArguments: (args) => {
      schema.validate(args);
      const filled = filledOf(declaration, urlTemplate, args);
      if (filled !== undefined && 'problem' in filled) throw new Fault('INPUT_ARGUMENTS_INVALID', filled.problem);
    },
  };
}

/** Arguments that match the schema and still have no place are refused before anybody decides on them. */
function filledOf(declaration: ToolDeclaration, template: UrlTemplate | undefined, args: JsonObject) {
  if (declaration.kind === 'command') return fillCommand(declaration, args);
  if (declaration.kind !== 'http' || template === undefined) return undefined;
  const filled = fillUrl(template, args);
  return 'problem' in filled ? filled : fillBody(declaration, filled.rest);
}

function compileInput(name: string, tool: ToolDeclaration, faultAt: FaultAt): ArgumentSchema {
  return atPlace(['tools', name, 'input'], faultAt, () => compileArguments(tool.input));
}

function withBodySchema(declared: Declared<DestinationDeclaration>, faultAt: FaultAt): CatalogueDestination {
  const schema = declared.declaration.request?.schema;
  if (schema === undefined) return declared;
  const path = ['destinations', declared.name, 'request', 'schema'];
  return { ...declared, bodySchema: atPlace(path, faultAt, () => compileBody(schema)) };
}

/** What compiling a schema gives; what is wrong with the schema becomes a fault at its place in the file. */
function atPlace<T>(path: readonly string[], faultAt: FaultAt, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (error instanceof SchemaProblem) throw faultAt([...path, ...error.path], error.message);
    throw error;
  }
}

/** What makes a tool that tool. An MCP tool is its server too: the same name at another server is another tool. */
function digestedOf(declaration: ToolDeclaration, config: WritConfig): unknown {
  // The environment of a program is left out: it may hold secrets, and digests are public.
  if (declaration.kind === 'command') return { ...declaration, env: undefined };
  if (declaration.kind !== 'mcp') return declaration;
  const server = config.mcpServers[declaration.server];
  if (server === undefined) return declaration;
  if ('url' in server) return { declaration, server: { url: server.url } };
  return { declaration, server: { command: server.command, args: server.args } };
}

function declareAll<D>(declarations: Readonly<Record<string, D>>): ReadonlyMap<string, Declared<D>> {
  return new Map(
    Object.entries(declarations).map(([name, declaration]) => [
      name,
      { name, declaration, digest: digestOf(declaration) },
    ]),
  );
}

function digestOf(declaration: unknown): string {
  // Optional fields that were left out may be present as undefined; JSON drops them.
  const json = JSON.parse(JSON.stringify(declaration)) as Json;
  return `sha256:${createHash('sha256').update(canonicalJson(json)).digest('hex')}`;
}

function unknown(code: 'INPUT_UNKNOWN_TOOL' | 'INPUT_UNKNOWN_NAMESPACE', kind: string, name: string): never {
  throw new Fault(code, `no ${kind} \`${name}\` is in the catalogue`);
}
