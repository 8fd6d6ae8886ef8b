import { createHash } from 'node:crypto';
import { type ActionRequest, canonicalJson, type JsonObject } from '#writ/contracts';

/** What a request asks for, without its id and correlation: recorded as asked, and compared when the id comes again. */
export function askedOf(request: ActionRequest): JsonObject {
  const { v: _v, call: _call, session: _session, trace: _trace, kind, ...said } = request;
  // Optional members that are absent must be absent, not undefined: the rest is JSON by its schema.
  const asked = JSON.parse(JSON.stringify(said)) as Record<string, JsonObject>;
  switch (kind) {
    case 'tool.call':
      return asked['args'] ?? {};
    case 'memory.query':
    case 'memory.write':
    case 'memory.delete':
      delete asked['namespace'];
      return asked;
    case 'egress.fetch':
      return asked;
  }
}

/** The tool or namespace that is asked for. A destination is found from the URL, which is part of what is asked. */
export function namedBy(request: ActionRequest): string {
  switch (request.kind) {
    case 'tool.call':
      return request.tool;
    case 'memory.query':
    case 'memory.write':
    case 'memory.delete':
      return request.namespace;
    case 'egress.fetch':
      return '';
  }
}

/** Two requests with one digest ask for the same. */
export function digestOf(kind: string, resource: string, asked: JsonObject): string {
  const named = kind === 'egress.fetch' ? '' : resource;
  return createHash('sha256')
    .update(canonicalJson([kind, named, asked]))
    .digest('base64url');
}
