import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { McpRemoteDeclaration } from '#writ/catalogue';
import type { CredentialUse, LeasedCredential, LeaseUse } from '#writ/credentials';
import { Fault, messageOf } from '#writ/faults';
import type { fetchOutbound, OutboundTls } from '#writ/outbound';
import { SdkHttpError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { CallTerms, McpLink } from './link.js';

/** What reaches a server over HTTP. */
export interface McpHttp {
  readonly fetch: typeof fetchOutbound;
  readonly credentials: {
    lease(name: string, origin: string, use: LeaseUse): Promise<LeasedCredential>;
  };
  /** Told when the credential was used for no call: to connect, to list the tools, to hear of changes. */
  readonly onOwnUse: (use: CredentialUse) => void;
}

interface HttpOptions {
  readonly baseDirectory: string;
  readonly http: McpHttp;
  /** Of one answer; a stream of events that is longer is ended. */
  readonly messageBytesMax: number;
}

/** A call has its own limit, which is never longer. */
const CALL_MS = 600_000;
const OWN_REQUEST_MS = 20_000;
/** A server may name its own pause before it is asked again. It does not get to be asked all the time. */
const RECONNECT_AFTER_MS_MIN = 1_000;
const DEFINITIONS_FOR_MS = 60_000;
const GONE = 404;

/**
 * The way to a server over Streamable HTTP. Every request is an outbound one like any other: its address is classified, it goes where it
 * is declared and is not redirected, its credential is bound to the origin.
 */
export function httpLink(declaration: McpRemoteDeclaration, options: HttpOptions): McpLink {
  const calls = new AsyncLocalStorage<CallTerms>();
  let problem = '';
  const transport = new StreamableHTTPClientTransport(new URL(declaration.url), {
    fetch: (url, init = {}) => fetchFor(new URL(url), init, { declaration, call: calls.getStore(), ...options }),
    requestInit: { headers: declaration.headers },
    reconnectionScheduler: (reconnect, delayMs) => {
      const timer = setTimeout(reconnect, Math.max(delayMs, RECONNECT_AFTER_MS_MIN)).unref();
      return () => clearTimeout(timer);
    },
  });
  return {
    transport,
    detail: () => problem,
    connected: () => undefined,
    during: (call, work) => calls.run(call, work),
    isLost: (error) => {
      const isGone = error instanceof SdkHttpError && error.status === GONE;
      if (!isGone && !(error instanceof Fault && error.code === 'EXECUTOR_UNREACHABLE')) return false;
      problem = isGone ? 'the server does not know the session any more' : messageOf(error);
      return true;
    },
    definitionsForMs: DEFINITIONS_FOR_MS,
    end: async (client) => {
      // In the revisions that have sessions the server forgets this one; it may also refuse to.
      await transport.terminateSession().catch(() => {});
      await client.close().catch(() => {});
    },
  };
}

interface Fetching extends HttpOptions {
  readonly declaration: McpRemoteDeclaration;
  readonly call: CallTerms | undefined;
}

async function fetchFor(url: URL, init: RequestInit, fetching: Fetching): Promise<Response> {
  const { declaration, http, messageBytesMax } = fetching;
  const { method = 'GET', body } = init;
  // INVARIANT: the SDK asks at the URL that it was given and nowhere else; it is not made to look for authorization servers.
  if (url.href !== new URL(declaration.url).href)
    throw new Fault('EXECUTOR_REDIRECTED', 'the MCP client would go to another URL than the declared one');
  const call = isOfCall(method, body) ? fetching.call : undefined;
  const signal = anyOf(init.signal ?? undefined, call?.signal);
  const onCredentialSent = call?.onCredential ?? http.onOwnUse;
  const { credential } = declaration;
  return http.fetch({
    url: url.href,
    method,
    headers: Object.fromEntries(new Headers(init.headers)),
    body: typeof body === 'string' ? body : undefined,
    internal: declaration.internal,
    timeoutMs: call === undefined ? OWN_REQUEST_MS : CALL_MS,
    responseBytesMax: messageBytesMax,
    signal,
    tls: await tlsOf(declaration, fetching.baseDirectory),
    credential:
      credential === undefined
        ? undefined
        : await http.credentials.lease(credential, url.origin, { signal, onCredentialSent }),
    onCredentialSent,
  });
}

/** A message that says that the call is over must get out although the call is: it waits for nothing. */
function isOfCall(method: string, body: RequestInit['body']): boolean {
  if (method === 'GET') return true;
  const message: unknown = typeof body === 'string' ? JSON.parse(body) : undefined;
  return typeof message === 'object' && message !== null && 'id' in message;
}

function anyOf(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((each) => each !== undefined));
}

/** Read for each request, so that a replaced file counts at once. */
async function tlsOf({ tls }: McpRemoteDeclaration, baseDirectory: string): Promise<OutboundTls | undefined> {
  if (tls === undefined) return undefined;
  const { minVersion, caFile, pins } = tls;
  try {
    const ca = caFile === undefined ? undefined : await readFile(resolve(baseDirectory, caFile), 'utf8');
    return { minVersion, pins, ca };
  } catch (cause) {
    throw new Fault('EXECUTOR_UNREACHABLE', `the certificate authorities in \`${caFile}\` cannot be read`, { cause });
  }
}
