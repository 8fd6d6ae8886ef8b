import { checkRequestHeaders } from '#writ/egress-rules';
import { messageOf } from '#writ/faults';
import type { ArgumentSchema } from './argument-schema.js';
import { checkPlaces, propertiesOf } from './argument-places.js';
import { checkBody } from './body-references.js';
import { checkCredential } from './credential-use.js';
import { credentialHeaders, injectionOf } from './credential-schema.js';
import type { WritConfig } from './schema.js';
import type { HttpToolDeclaration, McpRemoteDeclaration } from './tool-schema.js';
import { parseUrlTemplate, type UrlTemplate } from './url-template.js';
import type { FaultAt } from './yaml-source.js';

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

/** Checks where an MCP server elsewhere is, and what goes there. */
export function checkMcpRemote(
  name: string,
  server: McpRemoteDeclaration,
  context: { readonly config: WritConfig; readonly faultAt: FaultAt },
): void {
  const { config, faultAt } = context;
  const path = ['mcpServers', name];
  const template = parseUrlTemplate(server.url);
  if (typeof template === 'string') throw faultAt([...path, 'url'], template);
  if (template.argumentNames.length > 0) throw faultAt([...path, 'url'], 'takes no arguments');
  if (server.tls !== undefined && template.origin.startsWith('http:'))
    throw faultAt([...path, 'tls'], 'means nothing for a URL without TLS');
  checkCredential(config, { credential: server.credential, origin: template.origin, path, faultAt });
  checkHeaders(server, config, (problem) => faultAt([...path, 'headers'], problem));
  const own = Object.keys(server.headers).find((header) =>
    /^(mcp-.*|accept|content-type|last-event-id)$/i.test(header),
  );
  if (own !== undefined) throw faultAt([...path, 'headers', own], 'is a header of the protocol');
}

/** Fixed names of the query are not arguments as well. */
function checkQuery(template: UrlTemplate, schema: ArgumentSchema, fault: (problem: string) => Error): void {
  const properties = propertiesOf(schema);
  const twice = Object.keys(properties).find(
    (name) => template.queryNames.includes(name) && !template.argumentNames.includes(name),
  );
  if (twice !== undefined) throw fault(`the query already has \`${twice}\`, so no argument may have that name`);
}

/** A secret in a header of the configuration would be seen by everyone who reads it, so headers that carry one are refused. */
function checkHeaders(
  tool: Pick<HttpToolDeclaration, 'headers' | 'credential'>,
  config: WritConfig,
  fault: (problem: string) => Error,
): void {
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
