import { hash } from 'node:crypto';
import { type ActionRequest, type Json, type JsonObject, parseActionRequest, type RequestKind } from '#writ/contracts';

/**
 * What a request asks for, without its id and correlation: recorded as asked, and compared when the id comes again. Optional
 * members that are absent are absent, not undefined.
 */
export function askedOf(request: ActionRequest): JsonObject {
  switch (request.kind) {
    case 'tool.call':
      return request.args;
    case 'memory.query':
      return present({ text: request.text, vector: request.vector, k: request.k });
    case 'memory.write':
      return { records: request.records.map(({ id, text, labels, data }) => present({ id, text, labels, data })) };
    case 'memory.delete':
      return { ids: request.ids };
    case 'egress.fetch':
      return present({ url: request.url, method: request.method, headers: request.headers, body: request.body });
  }
}

function present(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter((member): member is [string, Json] => member[1] !== undefined),
  );
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

/** The request that was asked: the other way round of `askedOf` and `namedBy`. Throws INPUT_INVALID. */
export function requestOf(kind: RequestKind, named: string, asked: JsonObject): ActionRequest {
  const about = { v: 1, call: 'again' } as const;
  switch (kind) {
    case 'tool.call':
      // Any JSON object may be arguments. Whether these are, and whether there is such a tool, is for the catalogue to say.
      return { kind, ...about, tool: named, args: asked };
    case 'memory.query':
    case 'memory.write':
    case 'memory.delete':
      return parseActionRequest(kind, { ...about, namespace: named, ...asked });
    case 'egress.fetch':
      return parseActionRequest(kind, { ...about, ...asked });
  }
}

/** Two requests with one digest ask for the same. `asked` is canonical JSON. */
export function digestOf(kind: string, resource: string, asked: string): string {
  const named = kind === 'egress.fetch' ? '' : resource;
  return hash('sha256', `${kind}\n${named}\n${asked}`, 'base64url');
}
