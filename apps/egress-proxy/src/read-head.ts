import type { EgressInit } from '#writ/agent-sdk';
import { Fault } from '#writ/faults';

/** The head of a request as Node's parser gives it: attacker-controlled, well-formed HTTP and nothing more. */
export interface Head {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
}

/** One request as it is put to the decision service. */
export interface ReadRequest {
  readonly url: string;
  readonly method: NonNullable<EgressInit['method']>;
  readonly headers: Readonly<Record<string, string>>;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** What is about this connection alone, or about the browser that a client has made itself; the executor frames and asks for itself. */
const DROPPED: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'expect',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
]);
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set(['keep-alive', 'close']);

/** The headers by their lower-case names. A header that stands twice is refused: two readers could take different ones. */
export function headersOf({ rawHeaders }: Pick<Head, 'rawHeaders'>): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (headers.has(name)) throw badRequest(`a header stands twice`);
    headers.set(name, rawHeaders[at + 1] ?? '');
  }
  return headers;
}

/** The request of a client that knows it speaks to a proxy: its target is a whole URL, and `Host` says the same. Throws PROXY_BAD_REQUEST. */
export function readForwarded(head: Head, headers: ReadonlyMap<string, string>): ReadRequest {
  const authority = /^https?:\/\/([^/?#]*)/i.exec(head.url ?? '')?.[1];
  if (authority === undefined) throw badRequest('the target is no absolute URL of `http` or `https`');
  return readRequest(head, headers, { url: head.url ?? '', authority });
}

/** The request of a client inside its own TLS, which believes that it speaks to `authority`. Throws PROXY_BAD_REQUEST. */
export function readInspected(head: Head, headers: ReadonlyMap<string, string>, authority: string): ReadRequest {
  const target = head.url ?? '';
  if (!target.startsWith('/') || target.startsWith('//')) throw badRequest('the target is no path');
  if (headers.has('proxy-authorization')) throw badRequest('a token for the proxy goes to no service');
  return readRequest(head, headers, { url: `https://${authority}${target}`, authority });
}

function readRequest(
  head: Head,
  headers: ReadonlyMap<string, string>,
  { url, authority }: { readonly url: string; readonly authority: string },
): ReadRequest {
  const method = METHODS.find((each) => each === head.method);
  if (method === undefined) throw badRequest('the method is none that Writ sends');
  const host = headers.get('host');
  if (host?.toLowerCase() !== authority.toLowerCase()) throw badRequest('`Host` is not the authority of the target');
  checkConnection(headers);
  return { url, method, headers: Object.fromEntries([...headers].filter(([name]) => !DROPPED.has(name))) };
}

/** What would leave HTTP, or would have a header taken off on the way, is refused. Throws PROXY_BAD_REQUEST. */
export function checkConnection(headers: ReadonlyMap<string, string>): void {
  if ((headers.get('expect') ?? '100-continue').toLowerCase() !== '100-continue')
    throw badRequest('`Expect` is something else than `100-continue`');
  if (headers.has('upgrade')) throw badRequest('the proxy upgrades no connection');
  for (const name of ['connection', 'proxy-connection']) {
    const options = (headers.get(name) ?? '').toLowerCase().split(',');
    if (options.some((each) => each.trim() !== '' && !CONNECTION_OPTIONS.has(each.trim())))
      throw badRequest(`\`${name}\` names more than \`keep-alive\` and \`close\``);
  }
}

/** Where a CONNECT wants to go. Throws PROXY_BAD_REQUEST. */
export function readConnect(head: Head, headers: ReadonlyMap<string, string>): { host: string; port: number } {
  const target = head.url ?? '';
  const [, host = '', digits = ''] = /^([^\s:@/?#\\%]+|\[[0-9A-Fa-f:.]+\]):([1-9][0-9]{0,4})$/.exec(target) ?? [];
  const port = Number(digits);
  if (host === '' || port > 65_535) throw badRequest('the target of CONNECT is no `host:port`');
  checkHost(head, headers.get('host'), { host, port });
  checkConnection(headers);
  if (headers.has('content-length') || headers.has('transfer-encoding')) throw badRequest('a CONNECT has no body');
  return { host: host.toLowerCase(), port };
}

/** `Host` says the same as the target. Some clients leave out the port of https, and those of HTTP/1.0 the header. */
function checkHost({ httpVersion }: Head, said: string | undefined, to: { host: string; port: number }): void {
  if (said === undefined && httpVersion === '1.0') return;
  const whole = `${to.host}:${to.port}`.toLowerCase();
  const name = said?.toLowerCase();
  if (name === whole || (to.port === 443 && name === to.host.toLowerCase())) return;
  throw badRequest('`Host` is not the target of CONNECT');
}

function badRequest(why: string): Fault {
  return new Fault('PROXY_BAD_REQUEST', why);
}
