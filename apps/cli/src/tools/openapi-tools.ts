import type { Json, JsonObject } from '#writ/contracts';
import { hashOf, type Candidate, type Imported, shortDescription, sortCandidates, toolName } from './imported.js';
import { bodyOf } from './openapi-body.js';
import { OpenApiDocument, type Operation } from './openapi-document.js';
import { localSchema } from './openapi-schema.js';
import { isObject } from './tidy-schema.js';

interface OpenApiOptions {
  /** What the names of the tools begin with. */
  readonly name: string;
  /** Where the operations are, instead of the first server of the document. */
  readonly url: string | undefined;
}

/** Arguments of an operation, and the places that its URL has for them; or why it can be no tool. */
type Arguments =
  | {
      readonly properties: Readonly<Record<string, Json>>;
      readonly required: readonly string[];
      /** `{name}` behind the `?` of the URL: the rest of the arguments goes to the body. */
      readonly inQuery: readonly string[];
      /** `body` and `files` of the tool, where its body is no JSON. */
      readonly form: JsonObject;
    }
  | { readonly why: string };

const ARGUMENT_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
/** OpenAPI says that parameters of these names mean nothing. */
const IGNORED_HEADERS = ['accept', 'content-type', 'authorization'];
const WITHOUT_BODY = ['GET', 'DELETE'];

/**
 * A tool for each operation of an OpenAPI 3.0 or 3.1 document: parameters of path and query and the members of a body of JSON or a form are the
 * arguments, in one closed schema. Optional parameters that a tool cannot send are left out; an operation that needs one is skipped.
 * Throws CONFIG_INVALID.
 */
export function openApiTools(value: Json, options: OpenApiOptions): Imported {
  const document = new OpenApiDocument(isObject(value) ? value : {});
  const base = document.baseUrl(options.url);
  return sortCandidates(document.operations().map((each) => candidateOf(document, each, { ...options, base })));
}

function candidateOf(
  document: OpenApiDocument,
  at: Operation,
  { name: prefix, base }: OpenApiOptions & { readonly base: string },
): Candidate {
  const { method, path, operation } = at;
  const id = operation['operationId'];
  const name = typeof id === 'string' && id !== '' ? id : `${method.toLowerCase()}${path}`;
  const args = argumentsOf(document, at);
  if ('why' in args) return { name, why: args.why };
  const schema = localSchema(
    { type: 'object', properties: args.properties, ...(args.required.length > 0 && { required: args.required }) },
    document.resolve,
  );
  if (typeof schema === 'string') return { name, why: schema };
  const query = args.inQuery.map((each) => `${each}={${each}}`).join('&');
  const url = `${base}${path}${query === '' ? '' : `?${query}`}`;
  const description = shortDescription(operation['summary'], operation['description']);
  const fields = {
    kind: 'http',
    method,
    url,
    ...args.form,
    ...(description !== undefined && { description }),
    hints: {
      readOnly: method === 'GET',
      destructive: method === 'DELETE',
      idempotent: method !== 'POST' && method !== 'PATCH',
    },
    definition: hashOf(document.withReferences({ method, url, operation, parameters: at.parameters })),
    input: schema,
  };
  return { name, tool: { name: toolName(prefix, name), fields } };
}

function argumentsOf(document: OpenApiDocument, { method, path, parameters, operation }: Operation): Arguments {
  const properties: Record<string, Json> = {};
  const required: string[] = [];
  const inQuery: string[] = [];
  for (const parameter of parameters) {
    const { name, in: where, schema } = parameter;
    if (where === 'header' && IGNORED_HEADERS.includes(String(name).toLowerCase())) continue;
    const isRequired = parameter['required'] === true || where === 'path';
    const why = problemOf(parameter, method);
    if (why !== undefined && isRequired) return { why };
    if (why !== undefined) continue;
    if (Object.hasOwn(properties, String(name))) return { why: `two parameters are named \`${String(name)}\`` };
    properties[String(name)] = described(schema ?? {}, parameter['description']);
    if (isRequired) required.push(String(name));
    if (where === 'query' && !WITHOUT_BODY.includes(method)) inQuery.push(String(name));
  }
  const missing = [...path.matchAll(/\{([^{}]*)\}/g)].find(([, name = '']) => !Object.hasOwn(properties, name));
  if (missing !== undefined) return { why: `the path has \`${missing[0]}\`, which is no parameter` };
  const body = bodyOf(document, operation);
  if ('why' in body) return body;
  const twice = Object.keys(body.properties).find((name) => Object.hasOwn(properties, name));
  if (twice !== undefined) return { why: `a parameter and a member of the body are named \`${twice}\`` };
  if (WITHOUT_BODY.includes(method) && Object.keys(body.properties).length > 0)
    return { why: `a tool sends no body with ${method}` };
  return {
    properties: { ...properties, ...body.properties },
    required: [...required, ...body.required],
    inQuery,
    form: body.form,
  };
}

/** Why a tool cannot send that parameter. */
function problemOf(
  { name, in: where, style = 'form', explode = true, schema, required }: JsonObject,
  method: string,
): string | undefined {
  if (typeof name !== 'string' || (where !== 'path' && where !== 'query'))
    return `a tool has no argument for the ${String(where)} parameter \`${String(name)}\``;
  if (!isObject(schema)) return `the parameter \`${name}\` has no schema`;
  if (where === 'path')
    return ARGUMENT_NAME.test(name) ? undefined : `the path parameter \`${name}\` is no name of an argument`;
  if (style !== 'form' || explode !== true) return `the style of the query parameter \`${name}\` is not \`form\``;
  if (WITHOUT_BODY.includes(method)) return undefined;
  // Beside a body the query is part of the URL template, which takes arguments that are always there.
  return required === true && ARGUMENT_NAME.test(name)
    ? undefined
    : `the query parameter \`${name}\` cannot stand beside a body`;
}

function described(schema: Json, description: Json | undefined): Json {
  return isObject(schema) && typeof description === 'string' && schema['$ref'] === undefined
    ? { description, ...schema }
    : schema;
}
