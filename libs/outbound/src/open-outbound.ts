import assert from 'node:assert/strict';
import type { CredentialUse, LeasedCredential } from '#writ/credentials';
import { checkRequestHeaders } from '#writ/egress-rules';
import { Fault } from '#writ/faults';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import type { TLSSocket } from 'node:tls';
import type { CredentialReport } from './credential-report.js';
import { type AnswerHead, dialTls, sendHttp2, type SentRequest } from './http2.js';
import {
  lookupOf,
  type ResolvedAddress,
  resolveDecided,
  type Resolver,
  systemResolver,
  untilAborted,
} from './resolve.js';
import { type OutboundTls, tlsOptions } from './tls.js';

const HEADER_BYTES_MAX = 16_384;
/** What ends an agent whose answer was read. Nobody is told it; made for each request, its stack would cost more than the rest of the end. */
const ENDED = new Error('the request of this connection has ended');

/** One decided HTTP request. */
export interface OutboundRequest {
  /** Canonical and decided already: `parseDestination` made it, and what it says is what is dialled. */
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  /** Whether the destination is declared to lie in a private or loopback network. */
  readonly internal: boolean;
  /** For everything together: name, connection, headers and body. Only a total deadline stops a drip feed. */
  readonly timeoutMs: number;
  readonly responseBytesMax: number;
  readonly signal?: AbortSignal | undefined;
  readonly credential?: LeasedCredential | undefined;
  readonly tls?: OutboundTls | undefined;
  /** Offers HTTP/2 to the server, which may still choose HTTP/1.1. For https alone. */
  readonly http2?: boolean | undefined;
  readonly resolve?: Resolver | undefined;
  /** Told once when the credential has, or may have, left this process; also when the request fails after that. */
  readonly onCredentialSent?: ((use: CredentialUse) => void) | undefined;
}

/** The head of an answer, whose body is to be read, and its connection, which ends when this is disposed of. */
export interface OpenAnswer extends AsyncDisposable {
  readonly answer: AnswerHead;
  readonly url: URL;
}

/**
 * Sends one decided HTTP request and gives the head of its answer. The name is resolved once, every address is classified, and the
 * connection goes to those addresses alone, while Host and SNI stay the name. Redirects are not followed. Throws Faults, and what
 * undici throws; `faultOf` makes a Fault of it.
 */
export async function openOutbound(
  outbound: OutboundRequest,
  { signal, report }: { readonly signal: AbortSignal; readonly report: CredentialReport },
): Promise<OpenAnswer> {
  const url = new URL(outbound.url);
  const headers = requestHeaders(url, outbound);
  signal.throwIfAborted();
  const resolve = outbound.resolve ?? systemResolver;
  const addresses = await untilAborted(resolveDecided(url.hostname, outbound.internal, resolve), signal);
  const { method, body } = outbound;
  const request = { ...(await inject(url, headers, outbound)), method, body, signal };
  const onConnected = () => report.connected();
  const connection =
    outbound.http2 === true
      ? await negotiated(addresses, outbound, { request, onConnected })
      : overHttp1(pinnedAgent(outbound, connectorTo(addresses, outbound, onConnected)));
  try {
    const answer = await connection.send(request);
    outbound.credential?.answered(answer.statusCode);
    return { answer, url, [Symbol.asyncDispose]: connection.close };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** How one request is sent, and how its connection ends. */
interface Connection {
  readonly send: (request: SentRequest) => Promise<AnswerHead>;
  readonly close: () => Promise<void>;
}

function overHttp1(agent: Agent): Connection {
  return { send: (sent) => send(agent, sent), close: () => agent.destroy(ENDED) };
}

/** A connection that speaks what the server chose. */
async function negotiated(
  addresses: readonly ResolvedAddress[],
  outbound: OutboundRequest,
  { request: sent, onConnected }: { readonly request: SentRequest; readonly onConnected: () => void },
): Promise<Connection> {
  const socket = await dialTls(sent.url, addresses, { tls: outbound.tls, signal: sent.signal });
  onConnected();
  if (socket.alpnProtocol !== 'h2') return overHttp1(pinnedAgent(outbound, connectorOf(socket)));
  const close = async () => void socket.destroy();
  return { send: (request) => sendHttp2(socket, request, HEADER_BYTES_MAX), close };
}

function requestHeaders(url: URL, { headers, credential }: OutboundRequest): Record<string, string> {
  const checked = checkRequestHeaders(headers, { credentialHeaders: credential?.headers });
  // INVARIANT: the credential was leased for the origin that is dialled.
  if (credential !== undefined && credential.origin !== url.origin) {
    throw new Fault('EXECUTOR_CREDENTIAL_REFUSED', `the credential \`${credential.name}\` is not for that origin`);
  }
  // Compressed answers are not asked for: a scrubber cannot read them, and a small one can inflate without end.
  return { ...checked, 'accept-encoding': 'identity' };
}

/** Puts the credential in, last of all: what it signs does not change any more. */
async function inject(
  url: URL,
  headers: Record<string, string>,
  { method, body, credential }: OutboundRequest,
): Promise<{ readonly url: URL; readonly headers: Record<string, string> }> {
  if (credential === undefined) return { url, headers };
  const injected = await credential.apply({ method, url: url.href, headers, body });
  const target = new URL(injected.url);
  // INVARIANT: a credential adds to a request and does not send it elsewhere.
  assert(target.origin === url.origin && target.pathname === url.pathname);
  return { url: target, headers: injected.headers };
}

/** Connects to the addresses alone. */
function connectorTo(
  addresses: readonly ResolvedAddress[],
  { timeoutMs, tls = {} }: OutboundRequest,
  onConnected: () => void,
): buildConnector.connector {
  const connect = buildConnector({ ...tlsOptions(tls), timeout: timeoutMs, lookup: lookupOf(addresses) });
  return (options, done) =>
    connect(options, (...made) => {
      if (made[0] === null) onConnected();
      done(...made);
    });
}

/** Gives the one connection that was made already. There is no second one: what may have been sent is not sent again. */
function connectorOf(socket: TLSSocket): buildConnector.connector {
  let unused: TLSSocket | undefined = socket;
  return (_options, done) => {
    const given = unused;
    unused = undefined;
    // Later, as from a connection that is made: undici asks in the middle of what it would go on with.
    queueMicrotask(() => {
      if (given === undefined) done(Object.assign(new Error('the connection ended'), { code: 'ECONNRESET' }), null);
      else done(null, given);
    });
  };
}

/** An agent for one request, so that no connection is ever shared between principals; closing it ends its connection. */
function pinnedAgent({ timeoutMs }: OutboundRequest, connect: buildConnector.connector): Agent {
  return new Agent({
    pipelining: 1,
    connections: 1,
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect,
  });
}

function send(dispatcher: Agent, { url, method, headers, body, signal }: SentRequest): Promise<AnswerHead> {
  return request(url, { dispatcher, method: method as Dispatcher.HttpMethod, headers, body: body ?? null, signal });
}
