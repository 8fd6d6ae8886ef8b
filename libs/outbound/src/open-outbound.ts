import assert from 'node:assert/strict';
import type { CredentialUse, LeasedCredential } from '#writ/credentials';
import { checkRequestHeaders } from '#writ/egress-rules';
import { Fault } from '#writ/faults';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import type { CredentialReport } from './credential-report.js';
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
  readonly resolve?: Resolver | undefined;
  /** Told once when the credential has, or may have, left this process; also when the request fails after that. */
  readonly onCredentialSent?: ((use: CredentialUse) => void) | undefined;
}

/** The head of an answer, whose body is to be read, and its connection, which ends when this is disposed of. */
export interface OpenAnswer extends AsyncDisposable {
  readonly answer: Dispatcher.ResponseData;
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
  const agent = pinnedAgent(addresses, outbound, () => report.connected());
  const close = () => agent.destroy();
  try {
    const injected = await inject(url, headers, outbound);
    const answer = await send(agent, { ...injected, outbound, signal });
    outbound.credential?.answered(answer.statusCode);
    return { answer, url, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
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

/** An agent for one request, so that no connection is ever shared between principals; closing it ends its connection. */
function pinnedAgent(
  addresses: readonly ResolvedAddress[],
  { timeoutMs, tls = {} }: OutboundRequest,
  onConnected: () => void,
) {
  const connect = buildConnector({ ...tlsOptions(tls), timeout: timeoutMs, lookup: lookupOf(addresses) });
  return new Agent({
    pipelining: 1,
    connections: 1,
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: (options, done) =>
      connect(options, (...made) => {
        if (made[0] === null) onConnected();
        done(...made);
      }),
  });
}

interface Sending {
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly outbound: OutboundRequest;
  readonly signal: AbortSignal;
}

function send(dispatcher: Agent, { url, headers, outbound, signal }: Sending): Promise<Dispatcher.ResponseData> {
  return request(url, {
    dispatcher,
    method: outbound.method as Dispatcher.HttpMethod,
    headers,
    body: outbound.body ?? null,
    signal,
  });
}
