import { messageOf } from '#writ/faults';
import { parseWitnessVkey, type WitnessKey } from '#writ/signing';
import type { ArgumentSchema } from './argument-schema.js';
import { checkPlaces, propertiesOf } from './argument-places.js';
import { checkContainment } from './containment-references.js';
import { checkCredentials, checkOrigin } from './credential-references.js';
import { checkCredential } from './credential-use.js';
import { checkMcpRemote } from './http-references.js';
import type { WritConfig } from './schema.js';
import type { CommandToolDeclaration, McpToolDeclaration } from './tool-schema.js';
import { placesOf } from './command-template.js';
import { checkSinks } from './siem-references.js';
import type { ConfigPath, FaultAt } from './yaml-source.js';

/** Checks what the schema of the configuration cannot: that names are declared, and that credentials go where they may. */
export function checkReferences(config: WritConfig, faultAt: FaultAt): void {
  checkCredentials(config, faultAt);
  checkDestinations(config, faultAt);
  checkProxy(config, faultAt);
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
  for (const [name, server] of Object.entries(config.mcpServers)) {
    if ('url' in server) checkMcpRemote(name, server, { config, faultAt });
  }
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
    if (destination.http2 && destination.origin.startsWith('http:'))
      throw faultAt([...path, 'http2'], 'means nothing for an origin without TLS');
    const { schema, mediaTypes } = destination.request ?? {};
    if (schema !== undefined && !(mediaTypes?.length === 1 && mediaTypes[0] === 'application/json'))
      throw faultAt([...path, 'request', 'schema'], 'needs `mediaTypes: [application/json]` beside it');
    if (destination.tunnel !== undefined && destination.origin.startsWith('http:'))
      throw faultAt([...path, 'tunnel'], 'means nothing for an origin without TLS: a tunnel carries nothing else');
    checkCredential(config, { ...destination, path, faultAt });
    destination.paths.forEach((prefix, at) => {
      const url = `${destination.origin}${prefix}`;
      if (!URL.canParse(url) || new URL(url).href !== url || /[?#]/.test(prefix)) {
        throw faultAt([...path, 'paths', at], 'must be a path in canonical form, without a query');
      }
    });
  }
}

/** What the proxy looks into is declared, and has TLS to look into; a certificate of its own has its key. */
function checkProxy({ egressProxy, destinations }: WritConfig, faultAt: FaultAt): void {
  const { certificateFile, keyFile } = egressProxy?.tls ?? {};
  if ((certificateFile === undefined) !== (keyFile === undefined))
    throw faultAt(['egressProxy', 'tls'], 'needs both `certificateFile` and `keyFile`, or none of them');
  egressProxy?.inspect.forEach((name, at) => {
    const destination = Object.hasOwn(destinations, name) ? destinations[name] : undefined;
    const path = ['egressProxy', 'inspect', at];
    if (destination === undefined) throw faultAt(path, `no destination \`${name}\` is declared under \`destinations\``);
    if (destination.origin.startsWith('http:'))
      throw faultAt(path, `the origin of \`${name}\` has no TLS to look into`);
  });
}
