import { normalize } from 'node:path';
import { checkRequestHeaders } from '#writ/egress-rules';
import { messageOf } from '#writ/faults';
import { parseWitnessVkey, type WitnessKey } from '#writ/signing';
import type { ArgumentSchema } from './argument-schema.js';
import { checkBody } from './body-references.js';
import { checkCredentials, checkOrigin } from './credential-references.js';
import { credentialHeaders, injectionOf } from './credential-schema.js';
import type { WritConfig } from './schema.js';
import type { CommandToolDeclaration, HttpToolDeclaration, McpToolDeclaration } from './tool-schema.js';
import { placesOf } from './command-template.js';
import { parseUrlTemplate, type UrlTemplate } from './url-template.js';
import { checkSinks } from './siem-references.js';
import type { ConfigPath, FaultAt } from './yaml-source.js';

const SCALARS = ['string', 'integer', 'number', 'boolean'];

/** Checks what the schema of the configuration cannot: that names are declared, and that credentials go where they may. */
export function checkReferences(config: WritConfig, faultAt: FaultAt): void {
  checkCredentials(config, faultAt);
  checkDestinations(config, faultAt);
  const { embedder } = config.memory;
  if (embedder.kind === 'openai') {
    const path = ['memory', 'embedder'];
    if (!URL.canParse(embedder.url)) throw faultAt([...path, 'url'], 'is no URL');
    checkCredential(config, { credential: embedder.credential, origin: new URL(embedder.url).origin, path, faultAt });
  }
  checkAuthZen(config, faultAt);
  checkWitnesses(config, faultAt);
  checkSinks(config.siem.sinks, faultAt);
  checkContainment(config, faultAt);
  for (const [name, tool] of Object.entries(config.tools)) {
    if (tool.kind === 'mcp') checkMcpTool(config, tool, (field, problem) => faultAt(['tools', name, field], problem));
  }
}

function checkMcpTool(
  { mcpServers }: WritConfig,
  { server: name, definition }: McpToolDeclaration,
  fault: (field: string, problem: string) => Error,
): void {
  const server = Object.hasOwn(mcpServers, name) ? mcpServers[name] : undefined;
  if (server === undefined) throw fault('server', `no server \`${name}\` is declared under \`mcpServers\``);
  if (server.requirePins && definition === undefined)
    throw fault(
      'definition',
      `is missing, and the server \`${name}\` has \`requirePins\`: \`writ tools import mcp ${name}\``,
    );
}

/** Actions of other systems are tools that exist, and nothing is mapped twice. */
function checkAuthZen({ authzen, tools }: WritConfig, faultAt: FaultAt): void {
  const known = new Set<string>();
  const once = (key: readonly string[], path: ConfigPath) => {
    const name = JSON.stringify(key);
    if (known.has(name)) throw faultAt(path, 'is mapped twice');
    known.add(name);
  };
  authzen?.subjects.forEach(({ type, id }, at) => once(['subject', type, id], ['authzen', 'subjects', at]));
  authzen?.actions.forEach(({ action, resource, tool }, at) => {
    const path = ['authzen', 'actions', at];
    once(['action', action, resource], path);
    if (!Object.hasOwn(tools, tool))
      throw faultAt([...path, 'tool'], `no tool \`${tool}\` is declared under \`tools\``);
  });
}

/** Each witness is another one, by name, key and address, and the quorum is one that they can reach. */
function checkWitnesses({ witnesses, witnessQuorum }: WritConfig, faultAt: FaultAt): void {
  const known = new Set<string>();
  witnesses.forEach(({ name, vkey, url }, at) => {
    const path = ['witnesses', at];
    const witness = witnessOf(vkey, (problem) => faultAt([...path, 'vkey'], problem));
    if (witness.name !== name) throw faultAt([...path, 'name'], `is not the name in the vkey, \`${witness.name}\``);
    for (const [field, value] of Object.entries({ name, vkey: witness.key.id, url })) {
      if (known.has(value)) throw faultAt([...path, field], 'is that of another witness, which would count twice');
      known.add(value);
    }
  });
  if (witnessQuorum !== undefined && witnessQuorum > witnesses.length)
    throw faultAt(['witnessQuorum'], `is more than the ${witnesses.length} witnesses`);
}

function witnessOf(vkey: string, faultAt: (problem: string) => Error): WitnessKey {
  try {
    return parseWitnessVkey(vkey);
  } catch (error) {
    throw faultAt(messageOf(error));
  }
}

/** Checks one HTTP tool against its schema and the credentials, and returns its URL template. */
export function checkHttpTool(
  name: string,
  tool: HttpToolDeclaration,
  schema: ArgumentSchema,
  context: { readonly config: WritConfig; readonly faultAt: FaultAt },
): UrlTemplate {
  const { config, faultAt } = context;
  const path = ['tools', name];
  const template = parseUrlTemplate(tool.url);
  if (typeof template === 'string') throw faultAt([...path, 'url'], template);
  checkPlaces(template.argumentNames, schema, (problem) => faultAt([...path, 'url'], problem));
  checkQuery(template, schema, (problem) => faultAt([...path, 'url'], problem));
  const fault = (field: string, problem: string) => faultAt([...path, field], problem);
  checkBody(tool, schema.schema, { inUrl: template.argumentNames, fault });
  checkCredential(config, { credential: tool.credential, origin: template.origin, path, faultAt });
  checkHeaders(tool, config, (problem) => faultAt([...path, 'headers'], problem));
  checkQueryCredential(tool, config, { template, schema }, (problem) => faultAt([...path, 'credential'], problem));
  return template;
}

/** Checks one command against its schema: each argument has a place, or the program reads all of them. */
export function checkCommandTool(
  tool: CommandToolDeclaration,
  schema: ArgumentSchema,
  fault: (field: string, problem: string) => Error,
): void {
  const places = placesOf(tool);
  if (typeof places === 'string') throw fault('args', places);
  checkPlaces(places, schema, (problem) => fault('args', problem));
  const lost = Object.keys(propertiesOf(schema)).find((name) => !places.includes(name));
  if (lost !== undefined && tool.stdin === 'none')
    throw fault('args', `the argument \`${lost}\` has no place, and \`stdin\` is \`none\``);
}

/** Programs that ask for less than what holds for all, or for what they could replace by a link. */
function checkContainment({ containment: usual, tools, mcpServers }: WritConfig, faultAt: FaultAt): void {
  const commands = Object.entries(tools).flatMap(([name, tool]) =>
    tool.kind === 'command' ? [[['tools', name], tool] as const] : [],
  );
  const servers = Object.entries(mcpServers).map(([name, server]) => [['mcpServers', name], server] as const);
  for (const [path, { containment, read, write }] of [...commands, ...servers]) {
    if (usual === 'required' && containment !== undefined && containment !== 'required')
      throw faultAt([...path, 'containment'], 'must not be weaker than `containment: required` of the configuration');
    const twice = [...read, ...write].find((each) =>
      write.some((other) => each !== other && normalize(each).startsWith(`${normalize(other)}/`)),
    );
    if (twice !== undefined) throw faultAt([...path, 'read'], 'has a path below one that the program may write to');
  }
}

function propertiesOf({ schema }: ArgumentSchema): Readonly<Record<string, { readonly type?: unknown }>> {
  return (schema['properties'] ?? {}) as Readonly<Record<string, { readonly type?: unknown }>>;
}

/** Every place needs an argument that is always there and is one value. */
function checkPlaces(places: readonly string[], schema: ArgumentSchema, fault: (problem: string) => Error): void {
  const properties = propertiesOf(schema);
  const required = schema.schema['required'];
  for (const name of places) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) throw fault(`the argument \`${name}\` is not in the schema under \`input\``);
    if (!Array.isArray(required) || !required.includes(name)) throw fault(`the argument \`${name}\` must be required`);
    if (!SCALARS.includes(property.type as string))
      throw fault(`the argument \`${name}\` must be of type ${SCALARS.join(', ')}`);
  }
}

/** Fixed names of the query are not arguments as well. */
function checkQuery(template: UrlTemplate, schema: ArgumentSchema, fault: (problem: string) => Error): void {
  const properties = propertiesOf(schema);
  const twice = Object.keys(properties).find(
    (name) => template.queryNames.includes(name) && !template.argumentNames.includes(name),
  );
  if (twice !== undefined) throw fault(`the query already has \`${twice}\`, so no argument may have that name`);
}

function checkDestinations(config: WritConfig, faultAt: FaultAt): void {
  const owners = new Map<string, string>();
  for (const [name, destination] of Object.entries(config.destinations)) {
    const path = ['destinations', name];
    checkOrigin(destination.origin, [...path, 'origin'], faultAt);
    const owner = owners.get(destination.origin);
    if (owner !== undefined) throw faultAt([...path, 'origin'], `the destination \`${owner}\` has that origin already`);
    owners.set(destination.origin, name);
    if (destination.tls !== undefined && destination.origin.startsWith('http:'))
      throw faultAt([...path, 'tls'], 'means nothing for an origin without TLS');
    checkCredential(config, { ...destination, path, faultAt });
    destination.paths.forEach((prefix, at) => {
      const url = `${destination.origin}${prefix}`;
      if (!URL.canParse(url) || new URL(url).href !== url || /[?#]/.test(prefix)) {
        throw faultAt([...path, 'paths', at], 'must be a path in canonical form, without a query');
      }
    });
  }
}

interface CredentialUse {
  readonly credential?: string | undefined;
  readonly origin: string;
  readonly path: ConfigPath;
  readonly faultAt: FaultAt;
}

function checkCredential(config: WritConfig, { credential: name, origin, path, faultAt }: CredentialUse): void {
  if (name === undefined) return;
  const credential = Object.hasOwn(config.credentials, name) ? config.credentials[name] : undefined;
  if (credential === undefined) {
    throw faultAt([...path, 'credential'], `no credential \`${name}\` is declared under \`credentials\``);
  }
  if (!credential.origins.includes(origin)) {
    throw faultAt(
      [...path, 'credential'],
      `the credential \`${name}\` may not go to \`${origin}\`; see its \`origins\``,
    );
  }
}

/** A secret in a header of the configuration would be seen by everyone who reads it, so headers that carry one are refused. */
function checkHeaders(tool: HttpToolDeclaration, config: WritConfig, fault: (problem: string) => Error): void {
  const credential = tool.credential === undefined ? undefined : config.credentials[tool.credential];
  try {
    const credentialHeadersOfTool = credential === undefined ? ['authorization'] : credentialHeaders(credential);
    checkRequestHeaders(tool.headers, { credentialHeaders: credentialHeadersOfTool });
  } catch (error) {
    throw fault(messageOf(error));
  }
  if (Object.keys(tool.headers).some((header) => header.toLowerCase() === 'idempotency-key')) {
    throw fault('the header `idempotency-key` is set by Writ for tools that are `idempotent`');
  }
}

/** A parameter that carries a credential is nobody else's. */
function checkQueryCredential(
  tool: HttpToolDeclaration,
  config: WritConfig,
  { template, schema }: { readonly template: UrlTemplate; readonly schema: ArgumentSchema },
  fault: (problem: string) => Error,
): void {
  const credential = tool.credential === undefined ? undefined : config.credentials[tool.credential];
  const injection = credential === undefined ? undefined : injectionOf(credential);
  if (injection?.kind !== 'query') return;
  const properties = Object.keys((schema.schema['properties'] ?? {}) as object);
  if ([...template.queryNames, ...properties].includes(injection.parameter))
    throw fault(
      `the parameter \`${injection.parameter}\` carries the credential, so the tool may not have one of that name`,
    );
}
