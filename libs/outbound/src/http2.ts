import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as speak,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { Fault } from '#writ/faults';
import { lookupOf, type ResolvedAddress } from './resolve.js';
import { type OutboundTls, tlsOptions } from './tls.js';

/** The head of an answer and its body, as it comes. */
export interface AnswerHead {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<unknown>;
}

/** A request as it goes out, its credential in it. */
export interface SentRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
}

const HEADERS_MAX = 128;

/**
 * A TLS connection to a decided host, at one of its addresses, that offers HTTP/2 and HTTP/1.1: `alpnProtocol` says what the server
 * chose. Throws what Node throws.
 */
export async function dialTls(
  url: URL,
  addresses: readonly ResolvedAddress[],
  { tls = {}, signal }: { readonly tls?: OutboundTls | undefined; readonly signal: AbortSignal },
): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = connect({
    ...tlsOptions(tls),
    host,
    port: Number(url.port || '443'),
    servername: isIP(host) === 0 ? host : '',
    lookup: lookupOf(addresses),
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  // Whoever speaks over it hears of its errors too; between them nobody would, and the process would end by one.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'secureConnect', { signal });
    return socket.setNoDelay(true);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * One request over HTTP/2, on a connection that is only for it and ends with `signal`. Nothing is sent twice, whatever the server does, and
 * pushes are refused. Throws EXECUTOR_OUTPUT_TOO_LARGE when the headers of the answer are larger than that, and what Node throws.
 */
export async function sendHttp2(socket: TLSSocket, request: SentRequest, headerBytesMax: number): Promise<AnswerHead> {
  // Not by undici: its HTTP/2 (7.30) lets headers of 40 kB past `maxHeaderSize`, and drops an answer on its way when the server goes away.
  const session = speak(request.url.origin, {
    createConnection: () => socket,
    maxHeaderListPairs: HEADERS_MAX,
    settings: { enablePush: false, maxHeaderListSize: headerBytesMax },
  });
  // The error of the request says it too.
  session.on('error', () => undefined);
  const end = () => session.destroy(new Error('the request was stopped'));
  if (request.signal.aborted) end();
  else request.signal.addEventListener('abort', end, { once: true });
  session.once('close', () => request.signal.removeEventListener('abort', end));
  const stream = openStream(session, request);
  const { ':status': status = 0, ...headers } = await headOf(stream);
  // A server need not keep to the settings that it is told; what one block of headers may be at all is bounded by Node.
  if (bytesOf(headers) > headerBytesMax)
    throw new Fault('EXECUTOR_OUTPUT_TOO_LARGE', 'the headers of the answer are over the size limit');
  return { statusCode: status, headers, body: wholeBody(stream) };
}

function openStream(session: ClientHttp2Session, { url, method, headers, body }: SentRequest): ClientHttp2Stream {
  const hasBody = body !== undefined && body.length > 0;
  const stream = session.request(
    {
      ...headers,
      ':method': method,
      ':scheme': 'https',
      ':authority': url.host,
      ':path': `${url.pathname}${url.search}`,
      ...(hasBody && { 'content-length': String(Buffer.byteLength(body)) }),
    },
    { endStream: !hasBody },
  );
  // After the head the reader of the body hears of it; before it, and when nobody reads any more, nobody else does.
  stream.on('error', () => undefined);
  if (hasBody) stream.end(body);
  return stream;
}

/** Node ends a body that was cut off like one that is whole; but then the stream is destroyed already, or was reset. */
async function* wholeBody(stream: ClientHttp2Stream): AsyncGenerator<unknown, void, undefined> {
  let isWhole = false;
  stream.once('end', () => (isWhole = !stream.destroyed && stream.rstCode === constants.NGHTTP2_NO_ERROR));
  yield* stream;
  if (!isWhole) throw endedEarly('the stream was closed before the end of the body');
}

function endedEarly(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

/** The head of the answer. A server may end a stream without an error and without an answer. */
function headOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders & { ':status'?: number }> {
  return new Promise((resolve, reject) => {
    stream.once('response', resolve);
    stream.once('error', reject);
    stream.once('close', () => reject(endedEarly('the stream was closed without an answer')));
  });
}

function bytesOf(headers: IncomingHttpHeaders): number {
  // As HTTP/2 counts them (RFC 9113, 6.5.2).
  return Object.entries(headers).reduce(
    (bytes, [name, value]) => bytes + 32 + name.length + Buffer.byteLength([value ?? ''].flat().join('')),
    0,
  );
}
