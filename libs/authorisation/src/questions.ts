import type { ActionRequest, JsonObject } from '#writ/contracts';
import { parseDestination } from '#writ/egress-rules';
import { Fault } from '#writ/faults';
import {
  datetimeOf,
  type FilterRequest,
  type PolicyContext,
  type PolicyRequest,
  recordEntity,
  typedContextInput,
  uids,
} from '#writ/policy';
import type { Rules } from './rules.js';

/** Who asks, and when: what of a question does not come from the request. */
export interface Asker {
  readonly agent: string;
  /** What the ledger says of the caller; written by Writ alone. */
  readonly session: { readonly callsToday: number };
  readonly nowMs: number;
}

/** What the policies are asked: about one resource, or which records of a namespace. */
export type Question =
  | { readonly kind: 'decide'; readonly request: PolicyRequest }
  | { readonly kind: 'filter'; readonly request: FilterRequest };

type RequestOf<K extends ActionRequest['kind']> = Extract<ActionRequest, { kind: K }>;

/** Every question that a request puts to the policies; a write puts one for each record. Throws INPUT_*. */
export function questionsOf(request: ActionRequest, asker: Asker, rules: Rules): readonly Question[] {
  switch (request.kind) {
    case 'tool.call': {
      const { declaration } = rules.catalogue.tool(request.tool);
      return [{ kind: 'decide', request: toolQuestion(request, asker, declaration.input) }];
    }
    case 'memory.query':
    case 'memory.delete':
      return [{ kind: 'filter', request: filterQuestion(request, asker) }];
    case 'memory.write':
      return writeQuestions(request, asker).map((each) => ({ kind: 'decide', request: each }));
    case 'egress.fetch': {
      const destination = parseDestination(request.url, { internalOrigins: rules.internalOrigins });
      return [{ kind: 'decide', request: fetchQuestion(request, asker, destination) }];
    }
    case 'egress.connect':
      return [{ kind: 'decide', request: connectQuestion(tunnelDestination(request, rules), asker) }];
  }
}

export function toolQuestion({ tool, args }: RequestOf<'tool.call'>, asker: Asker, input: JsonObject): PolicyRequest {
  return {
    principal: uids.agent(asker.agent),
    action: uids.action(tool),
    resource: uids.tool(tool),
    context: contextOf(typedContextInput(input, args), asker),
  };
}

export function filterQuestion(
  request: RequestOf<'memory.query'> | RequestOf<'memory.delete'>,
  asker: Asker,
): FilterRequest {
  const isQuery = request.kind === 'memory.query';
  return {
    principal: uids.agent(asker.agent),
    action: uids.action(isQuery ? 'query' : 'delete'),
    parent: uids.namespace(request.namespace),
    context: contextOf(isQuery ? queryInput(request) : { count: request.ids.length }, asker),
  };
}

function queryInput({ k, text }: RequestOf<'memory.query'>): JsonObject {
  return { k, ...(text === undefined ? {} : { text }) };
}

/** Which records of the namespace the agent could write, as they are stored: only those may a write put others in place of. */
export function replaceQuestion(request: RequestOf<'memory.write'>, asker: Asker): FilterRequest {
  return {
    principal: uids.agent(asker.agent),
    action: uids.action('write'),
    parent: uids.namespace(request.namespace),
    context: contextOf({ records: request.records.length }, asker),
  };
}

/** Each record is a resource of its own. */
export function writeQuestions(request: RequestOf<'memory.write'>, asker: Asker): readonly PolicyRequest[] {
  const context = contextOf({ records: request.records.length }, asker);
  return request.records.map(({ id, labels }) => ({
    principal: uids.agent(asker.agent),
    action: uids.action('write'),
    resource: recordEntity(request.namespace, { id: id ?? '', owner: asker.agent, labels }),
    context,
  }));
}

export function fetchQuestion(
  { method }: RequestOf<'egress.fetch'>,
  asker: Asker,
  destination: ReturnType<typeof parseDestination>,
): PolicyRequest {
  const { url, host, path, port, origin } = destination;
  return {
    principal: uids.agent(asker.agent),
    action: uids.action('fetch'),
    resource: uids.host(new URL(origin).host),
    context: contextOf({ url, host, path, method, port }, asker),
  };
}

/** A tunnel is decided on its host and port: nothing else of it is seen. */
export function connectQuestion(
  { host, port, origin }: ReturnType<typeof parseDestination>,
  asker: Asker,
): PolicyRequest {
  return {
    principal: uids.agent(asker.agent),
    action: uids.action('connect'),
    resource: uids.host(new URL(origin).host),
    context: contextOf({ host, port }, asker),
  };
}

/** The canonical destination of a tunnel. Throws INPUT_URL_REFUSED for what is more than a host. */
export function tunnelDestination(
  { host, port }: RequestOf<'egress.connect'>,
  { internalOrigins }: Pick<Rules, 'internalOrigins'>,
): ReturnType<typeof parseDestination> {
  const parsed = parseDestination(`https://${host}:${port}/`, { internalOrigins });
  // A slash, a question mark or a colon in the host would have moved its end.
  if (parsed.host !== host.toLowerCase() || parsed.port !== port || parsed.path !== '/')
    throw new Fault('INPUT_URL_REFUSED', '`url.invalid`: the host is none');
  return parsed;
}

function contextOf(input: PolicyContext, { session, nowMs }: Asker): PolicyContext {
  return { input, session: { ...session }, time: timeFacts(nowMs) };
}

/** `context.time`, in UTC: seconds since 1970, hour 0 to 23, weekday 0 (Sunday) to 6, and the moment with its milliseconds. */
function timeFacts(nowMs: number) {
  const unix = Math.floor(nowMs / 1000);
  const hours = Math.floor(unix / 3600);
  // 1 January 1970 was a Thursday.
  return { unix, hour: hours % 24, weekday: (Math.floor(hours / 24) + 4) % 7, now: datetimeOf(nowMs) };
}
