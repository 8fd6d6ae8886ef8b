import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { canonicalJson, type Json, type JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { type ArgumentSchema, compileArguments } from './argument-schema.js';
import { SchemaProblem } from './closed-schema.js';
import { type Environment, substituteEnvironment } from './environment.js';
import { checkHttpTool, checkReferences } from './references.js';
import { type DestinationDeclaration, type NamespaceDeclaration, type ToolDeclaration, WritConfig } from './schema.js';
import { subjectProblem } from './subject-references.js';
import { fillUrl, type UrlTemplate } from './url-template.js';
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

/** What the configuration declares, checked: everything in it refers to something that exists. */
export interface Catalogue {
  readonly config: WritConfig;
  /** The folder of the configuration file: what relative paths in it are relative to. */
  readonly baseDirectory: string;
  readonly tools: ReadonlyMap<string, CatalogueTool>;
  readonly namespaces: ReadonlyMap<string, Declared<NamespaceDeclaration>>;
  readonly destinations: ReadonlyMap<string, Declared<DestinationDeclaration>>;
  /** Throws INPUT_UNKNOWN_TOOL. */
  tool(name: string): CatalogueTool;
  /** Throws INPUT_UNKNOWN_NAMESPACE. */
  namespace(name: string): Declared<NamespaceDeclaration>;
}

// A catalogue of thousands of tools fits; a file that was named by mistake does not.
const CONFIG_BYTES_MAX = 8_388_608;

/** Reads `writ.yaml`. Throws CONFIG_INVALID that names file, line, column and field; a value is never in the message. */
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
  return readCatalogue(bytes.toString('utf8'), {
    file: basename(path),
    baseDirectory: dirname(resolve(path)),
    environment,
  });
}

/** The same from text. */
export function readCatalogue(
  text: string,
  from: { readonly file: string; readonly baseDirectory: string; readonly environment: Environment },
): Catalogue {
  const source = parseYaml(text, from.file);
  const config = validate(substituteEnvironment(source, from.environment), source.fault);
  checkReferences(config, source.fault);
  const tools = new Map(
    Object.entries(config.tools).map(([name, tool]) => [
      name,
      catalogueTool(name, tool, { config, faultAt: source.fault }),
    ]),
  );
  const namespaces = declareAll(config.namespaces);
  const destinations = declareAll(config.destinations);
  return {
    config,
    baseDirectory: from.baseDirectory,
    tools,
    namespaces,
    destinations,
    tool: (name) => tools.get(name) ?? unknown('INPUT_UNKNOWN_TOOL', 'tool', name),
    namespace: (name) => namespaces.get(name) ?? unknown('INPUT_UNKNOWN_NAMESPACE', 'memory namespace', name),
  };
}

function validate(value: unknown, faultAt: FaultAt): WritConfig {
  const result = WritConfig.safeParse(value);
  if (result.success) return result.data;
  const [issue, ...others] = result.error.issues;
  const path = (issue?.path ?? []).map((step) => (typeof step === 'number' ? step : String(step)));
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  if (issue?.code === 'unrecognized_keys') {
    throw faultAt([...path, issue.keys[0] ?? ''], `there is no such field${more}`);
  }
  const message = issue?.message ?? 'is invalid';
  throw faultAt(path, `${message.slice(0, 1).toLowerCase()}${message.slice(1)}${more}`);
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
  const urlTemplate = written.kind === 'http' ? checkHttpTool(name, written, schema, context) : undefined;
  return {
    name,
    declaration,
    digest: digestOf(digestedOf(declaration, context.config)),
    ...(urlTemplate === undefined ? {} : { urlTemplate }),
    validateArguments: (args) => {
      schema.validate(args);
      const filled = urlTemplate === undefined ? undefined : fillUrl(urlTemplate, args);
      if (filled !== undefined && 'problem' in filled) throw new Fault('INPUT_ARGUMENTS_INVALID', filled.problem);
    },
  };
}

function compileInput(name: string, tool: ToolDeclaration, faultAt: FaultAt): ArgumentSchema {
  try {
    return compileArguments(tool.input);
  } catch (error) {
    if (error instanceof SchemaProblem) throw faultAt(['tools', name, 'input', ...error.path], error.message);
    throw error;
  }
}

/** What makes a tool that tool. An MCP tool is its server too: the same name at another server is another tool. */
function digestedOf(declaration: ToolDeclaration, config: WritConfig): unknown {
  if (declaration.kind !== 'mcp') return declaration;
  const server = config.mcpServers[declaration.server];
  // The environment of the server is left out: it may hold secrets, and digests are public.
  return { declaration, server: { command: server?.command, args: server?.args } };
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
