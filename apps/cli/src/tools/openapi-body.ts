import type { Json, JsonObject } from '#writ/contracts';
import type { OpenApiDocument } from './openapi-document.js';
import { isObject, tidySchema } from './tidy-schema.js';

/** The members of an operation's body, and how a tool sends them; or why it cannot. */
type Body =
  | {
      readonly properties: JsonObject;
      readonly required: readonly string[];
      /** `body` and `files` of the tool; nothing for JSON. */
      readonly form: JsonObject;
    }
  | { readonly why: string };

/** In the order in which one is taken when an operation has several. */
const MEDIA_TYPES: readonly (readonly [pattern: RegExp, body: 'json' | 'form' | 'multipart'])[] = [
  [/^application\/json\s*(;|$)/i, 'json'],
  [/^application\/x-www-form-urlencoded\s*(;|$)/i, 'form'],
  [/^multipart\/form-data\s*(;|$)/i, 'multipart'],
];

/** Reads the body of an operation: JSON, a form, or a form with files, whose content is an argument in base64. */
export function bodyOf(document: OpenApiDocument, operation: JsonObject): Body {
  if (operation['requestBody'] === undefined) return { properties: {}, required: [], form: {} };
  const { content } = document.follow(operation['requestBody']);
  const media = Object.entries(isObject(content) ? content : {});
  const [found] = MEDIA_TYPES.flatMap(([pattern, body]) => {
    const entry = media.find(([type]) => pattern.test(type));
    return entry === undefined ? [] : [{ body, media: document.follow(entry[1]) }];
  });
  if (found === undefined) return { why: 'its body is not JSON and no form' };
  const written = document.follow(found.media['schema']);
  const schema = tidySchema(written, document.resolve);
  const { properties, required = [], ...rest }: JsonObject = isObject(schema) ? schema : {};
  const others = Object.keys(rest).filter((key) => !['type', 'description', 'additionalProperties'].includes(key));
  // Which members of a composed body are files could be said in any of its parts.
  const isComposed = found.body === 'multipart' && written['allOf'] !== undefined;
  if (!isObject(properties) || others.length > 0 || isComposed)
    return { why: 'its body is no object with named members' };
  const named = { properties, required: Array.isArray(required) ? (required as readonly string[]) : [] };
  if (found.body !== 'multipart') return { ...named, form: found.body === 'json' ? {} : { body: found.body } };
  return withFiles(document, named, { written, encoding: found.media['encoding'] });
}

function withFiles(
  document: OpenApiDocument,
  named: { readonly properties: JsonObject; readonly required: readonly string[] },
  { written, encoding }: { readonly written: JsonObject; readonly encoding: Json | undefined },
): Body {
  const members = isObject(written['properties']) ? written['properties'] : {};
  const files: Record<string, Json> = {};
  const properties: Record<string, Json> = { ...named.properties };
  for (const [name, member] of Object.entries(members)) {
    const schema = document.follow(member);
    if (isFile(document.follow(schema['items']))) return { why: `\`${name}\` is a list of files` };
    if (!isFile(schema)) continue;
    const { description } = schema;
    properties[name] = { ...(typeof description === 'string' && { description }), type: 'string' };
    const mediaType = mediaTypeOf(schema, isObject(encoding) ? encoding[name] : undefined);
    files[name] = mediaType === undefined ? {} : { mediaType };
  }
  const form = { body: 'multipart', ...(Object.keys(files).length > 0 && { files }) };
  return { ...named, properties, form };
}

/** As OpenAPI 3.0 says it, and as 3.1 does. */
function isFile({ type, format, contentMediaType, contentEncoding }: JsonObject): boolean {
  if (format === 'binary' || format === 'byte') return true;
  return contentEncoding === 'base64' || (contentMediaType !== undefined && (type === undefined || type === 'string'));
}

function mediaTypeOf({ contentMediaType }: JsonObject, encoding: Json | undefined): string | undefined {
  const told = (isObject(encoding) ? encoding['contentType'] : undefined) ?? contentMediaType;
  // Several, or a range of them, say nothing about one file.
  return typeof told === 'string' && !/[,*;]/.test(told) ? told.trim().toLowerCase() : undefined;
}
