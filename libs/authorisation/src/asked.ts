import { hash } from 'node:crypto';
import { type ActionRequest, type Json, type JsonObject, type Predicate, type RequestKind } from '#writ/contracts';

/**
 * What a request asks for, without its id and correlation: recorded as asked, and compared when the id comes again. Optional
 * members that are absent are absent, not undefined.
 */
export function askedOf(request: ActionRequest): JsonObject {
  switch (request.kind) {
    case 'tool.call':
      return request.args;
    case 'memory.query':
      return present({
        text: request.text,
        vector: request.vector,
        ids: request.ids,
        search: request.search,
        k: request.k,
        where: whereOf(request),
      });
    case 'memory.write':
      return {
        records: request.records.map(({ id, text, labels, data, source }) =>
          present({ id, text, labels, data, source }),
        ),
      };
    case 'memory.delete':
      return present({ ids: request.ids, where: whereOf(request) });
    case 'egress.fetch':
      return present({ url: request.url, method: request.method, headers: request.headers, body: request.body });
    case 'egress.connect':
      return { host: request.host, port: request.port };
  }
}

/** A predicate is JSON; its type only does not say so. */
function whereOf({ where }: { readonly where?: Predicate | undefined }): Json | undefined {
  return where as Json | undefined;
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
    case 'egress.connect':
      return '';
  }
}

/**
 * The request that was asked: the other way round of `askedOf` and `namedBy`. It was parsed when it was recorded, so only the members
 * that a decision reads are looked at again; undefined when one of them is something else.
 */
export function requestOf(kind: RequestKind, named: string, asked: JsonObject): ActionRequest | undefined {
  const isUnderstood = READ_MEMBERS[kind].every(([member, isExpected]) => isExpected(asked[member]));
  return isUnderstood ? (requestLike(kind, named, asked) as ActionRequest) : undefined;
}

/** Member by member: copying an object of unknown members costs as much as the decision. */
function requestLike(kind: RequestKind, named: string, asked: JsonObject): Readonly<Record<string, Json | undefined>> {
  const [v, call] = [1, 'again'];
  switch (kind) {
    case 'tool.call':
      // Any JSON object may be arguments. Whether these are, and whether there is such a tool, is for the catalogue to say.
      return { kind, v, call, tool: named, args: asked };
    case 'memory.query':
      // The agent's own filter is left out: what the policies say does not depend on it.
      return {
        kind,
        v,
        call,
        namespace: named,
        text: asked['text'],
        vector: asked['vector'],
        ids: asked['ids'],
        search: asked['search'],
        k: asked['k'],
      };
    case 'memory.write':
      return { kind, v, call, namespace: named, records: asked['records'] };
    case 'memory.delete':
      return { kind, v, call, namespace: named, ids: asked['ids'] };
    case 'egress.fetch': {
      const { url, method, headers, body } = asked;
      return { kind, v, call, url, method, headers, body };
    }
    case 'egress.connect':
      return { kind, v, call, host: asked['host'], port: asked['port'] };
  }
}

type Expectation = (value: Json | undefined) => boolean;

const isText: Expectation = (value) => typeof value === 'string';
const isTextOrAbsent: Expectation = (value) => value === undefined || isText(value);
const isList =
  (isItem: Expectation): Expectation =>
  (value) =>
    Array.isArray(value) && value.every(isItem);
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isRecord: Expectation = (value) =>
  isObject(value) && isText(value['text']) && isTextOrAbsent(value['id']) && isList(isText)(value['labels']);

/** What decisions read of a request, by its kind. */
const READ_MEMBERS: Readonly<Record<RequestKind, readonly (readonly [string, Expectation])[]>> = {
  'tool.call': [],
  'memory.query': [
    ['k', Number.isInteger],
    ['text', isTextOrAbsent],
  ],
  'memory.write': [['records', isList(isRecord)]],
  'memory.delete': [['ids', isList(isText)]],
  'egress.fetch': [
    ['url', isText],
    ['method', isText],
    ['headers', (value) => isObject(value) && Object.values(value).every(isText)],
  ],
  'egress.connect': [
    ['host', isText],
    ['port', Number.isInteger],
  ],
};

/** Two requests with one digest ask for the same. `asked` is canonical JSON. */
export function digestOf(kind: string, resource: string, asked: string): string {
  const named = kind.startsWith('egress.') ? '' : resource;
  return hash('sha256', `${kind}\n${named}\n${asked}`, 'base64url');
}
