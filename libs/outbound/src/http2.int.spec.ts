import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { makeCertificates } from '../../../test/harness/certificates.js';
import { sendOutbound, type WholeRequest } from './index.js';

const directory = mkdtempSync(join(tmpdir(), 'writ-http2-'));
const canMake = makeCertificates(directory);
afterAll(() => rmSync(directory, { recursive: true }));

type OnStream = (stream: ServerHttp2Stream, headers: NodeJS.Dict<string | string[]>) => void;

// Skipped where there is no openssl 3: `apt-get install openssl`.
(canMake ? describe : describe.skip)('a request over HTTP/2', () => {
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const keys = (name: string) => ({ cert: read(`${name}.pem`), key: read(`${name}.key`) });
  const open = new Set<TLSSocket>();
  let server: TlsServer | undefined;
  /** Requests that the server saw, by method and path. */
  let seen: string[] = [];
  let connections = 0;

  afterEach(async () => {
    const stopping = server;
    server = undefined;
    for (const socket of open) socket.destroy();
    open.clear();
    if (stopping !== undefined) await new Promise((done) => stopping.close(done));
  });

  async function listen(listening: TlsServer): Promise<number> {
    [server, seen, connections] = [listening, [], 0];
    listening.on('secureConnection', (socket: TLSSocket) => {
      connections++;
      open.add(socket.on('error', () => undefined));
    });
    listening.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    return (listening.address() as AddressInfo).port;
  }

  /** A server of HTTP/2 that does that with each request. */
  function serving(onStream: OnStream, name = 'server'): Http2SecureServer {
    const made = createSecureServer({ ...keys(name), settings: { maxHeaderListSize: 1_000_000 } });
    made.on('sessionError', () => undefined);
    made.on('session', (session: ServerHttp2Session) => session.on('error', () => undefined));
    made.on('stream', (stream: ServerHttp2Stream, headers: NodeJS.Dict<string | string[]>) => {
      seen.push(`${String(headers[':method'])} ${String(headers[':path'])}`);
      stream.on('error', () => undefined);
      onStream(stream, headers);
    });
    return made;
  }

  const resolve = async () => [{ address: '127.0.0.1', family: 4 as const }];

  function ask(port: number, more: Partial<WholeRequest> = {}) {
    return sendOutbound({
      url: `https://localhost:${port}/a?b=c`,
      method: 'GET',
      headers: {},
      internal: true,
      timeoutMs: 10_000,
      responseBytesMax: 100_000,
      http2: true,
      tls: { ca: read('ca.pem') },
      resolve,
      ...more,
    });
  }

  /** The code of the fault that the server's behaviour is for whoever asks. */
  async function faultFrom(onStream: OnStream, more: Partial<WholeRequest> = {}): Promise<unknown> {
    const thrown: unknown = await ask(await listen(serving(onStream)), more).catch((error: unknown) => error);
    return (thrown as { code?: string }).code ?? 'no fault';
  }

  it('has the method, path, host, headers and body that were decided on, and the whole answer comes back', async () => {
    const told: Record<string, unknown>[] = [];
    const port = await listen(
      serving((stream, headers) => {
        told.push({ ...headers });
        stream.respond({ ':status': 201, 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'], vary: 'x' });
        stream.pipe(stream);
      }),
    );
    const body = 'x'.repeat(90_000);
    const answer = await ask(port, { method: 'POST', headers: { 'X-Trace': 't' }, body });
    expect([answer.status, answer.body.toString(), answer.echoed]).toEqual([201, body, false]);
    expect(answer.headers).toMatchObject({ 'content-type': 'text/plain', vary: 'x' });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(told).toMatchObject([
      {
        ':method': 'POST',
        ':path': '/a?b=c',
        ':scheme': 'https',
        ':authority': `localhost:${port}`,
        'x-trace': 't',
        'accept-encoding': 'identity',
        'content-length': '90000',
      },
    ]);
  });

  it('is one over HTTP/1.1 where the server speaks nothing else, with the same rules', async () => {
    const versions: string[] = [];
    const plain = createServer(keys('server'), (request, response) => {
      versions.push(request.httpVersion);
      response.end('here');
    });
    const port = await listen(plain);
    await expect(ask(port)).resolves.toMatchObject({ status: 200, body: Buffer.from('here') });
    await expect(ask(port, { responseBytesMax: 3 })).rejects.toMatchObject({ code: 'EXECUTOR_OUTPUT_TOO_LARGE' });
    await expect(ask(port, { tls: { ca: read('other-ca.pem') } })).rejects.toMatchObject({
      code: 'EXECUTOR_UNREACHABLE',
    });
    expect(versions).toEqual(['1.1', '1.1']);
  });

  it('is one over HTTP/1.1 where the destination does not want HTTP/2', async () => {
    const both = createSecureServer(
      { ...keys('server'), allowHTTP1: true },
      (request: Http2ServerRequest, response) => void response.end(request.httpVersion),
    );
    const port = await listen(both);
    await expect(ask(port)).resolves.toMatchObject({ body: Buffer.from('2.0') });
    await expect(ask(port, { http2: false })).resolves.toMatchObject({ body: Buffer.from('1.1') });
  });

  it('reaches nobody whose certificate is not trusted, for another name, or without a pinned key', async () => {
    const answering: OnStream = (stream) => {
      stream.respond();
      stream.end();
    };
    const pin = (name: string) => {
      const key = new X509Certificate(read(`${name}.pem`)).publicKey.export({ type: 'spki', format: 'der' });
      return `sha256/${createHash('sha256').update(key).digest('base64')}`;
    };
    const ca = read('ca.pem');
    const port = await listen(serving(answering));
    for (const tls of [{}, { ca: read('other-ca.pem') }, { ca, pins: [pin('client')] }, { pins: [pin('server')] }])
      await expect(ask(port, { tls })).rejects.toMatchObject({ code: 'EXECUTOR_UNREACHABLE' });
    expect(seen).toEqual([]);
    await expect(ask(port, { tls: { ca, pins: [pin('server')] } })).resolves.toMatchObject({ status: 200 });
    await new Promise((done) => server?.close(done));
    const elsewhere = await listen(serving(answering, 'elsewhere'));
    await expect(ask(elsewhere, { tls: { ca } })).rejects.toMatchObject({ code: 'EXECUTOR_UNREACHABLE' });
    expect(seen).toEqual([]);
  });

  it('goes to the addresses that were classified, and to no others', async () => {
    const port = await listen(serving((stream) => stream.respond({}, { endStream: true })));
    const outside = async () => [{ address: '203.0.113.7', family: 4 as const }];
    await expect(ask(port, { resolve: outside })).rejects.toMatchObject({ code: 'EXECUTOR_ADDRESS_REFUSED' });
    await expect(ask(port, { internal: false })).rejects.toMatchObject({ code: 'EXECUTOR_ADDRESS_REFUSED' });
    expect(connections).toBe(0);
  });

  it.each<[string, OnStream, Partial<WholeRequest>, string]>([
    [
      'headers over the limit',
      (stream) => stream.respond({ 'x-long': 'x'.repeat(20_000) }, { endStream: true }),
      {},
      'EXECUTOR_OUTPUT_TOO_LARGE',
    ],
    [
      'headers over the limit in many',
      (stream) => {
        const many = Array.from({ length: 120 }, (_, at) => [`x-${at}`, 'x'.repeat(200)]);
        stream.respond(Object.fromEntries(many), { endStream: true });
      },
      {},
      'EXECUTOR_OUTPUT_TOO_LARGE',
    ],
    [
      'more headers than any answer has',
      (stream) => {
        const many = Array.from({ length: 400 }, (_, at) => [`x-${at}`, 'x']);
        stream.respond(Object.fromEntries(many), { endStream: true });
      },
      {},
      'EXECUTOR_FAILED',
    ],
    [
      'a body without end',
      (stream) => {
        stream.respond();
        const more = () => {
          while (!stream.destroyed && stream.write(Buffer.alloc(16_384)));
        };
        stream.on('drain', more);
        more();
      },
      {},
      'EXECUTOR_OUTPUT_TOO_LARGE',
    ],
    ['no answer', () => undefined, { timeoutMs: 2_000 }, 'EXECUTOR_TIMEOUT'],
    [
      'a body that stops',
      (stream) => {
        stream.respond();
        stream.write('some');
      },
      { timeoutMs: 2_000 },
      'EXECUTOR_TIMEOUT',
    ],
    [
      'answers that are none, one after the other',
      (stream) => {
        const timer = setInterval(() => {
          if (stream.destroyed) clearInterval(timer);
          else stream.additionalHeaders({ ':status': 103, link: '</a>' });
        }, 5);
      },
      { timeoutMs: 2_000 },
      'EXECUTOR_TIMEOUT',
    ],
    ['a reset', (stream) => stream.close(2), {}, 'EXECUTOR_FAILED'],
    ['a reset that is no error', (stream) => stream.close(8), {}, 'EXECUTOR_FAILED'],
    ['a stream that it refuses', (stream) => stream.close(7), {}, 'EXECUTOR_FAILED'],
    ['GOAWAY with an error', (stream) => stream.session?.goaway(11), {}, 'EXECUTOR_FAILED'],
    ['the end of the connection', (stream) => stream.session?.destroy(), {}, 'EXECUTOR_FAILED'],
    [
      'the end of the connection in the body',
      (stream) => {
        stream.respond();
        stream.write('some', () => cutOff());
      },
      {},
      'EXECUTOR_FAILED',
    ],
    [
      'a body that is shorter than announced',
      (stream) => {
        stream.respond({ 'content-length': '100' });
        stream.end('some');
      },
      {},
      'EXECUTOR_FAILED',
    ],
    [
      'a redirect',
      (stream) => stream.respond({ ':status': 302, location: 'https://localhost/b' }, { endStream: true }),
      {},
      'EXECUTOR_REDIRECTED',
    ],
    [
      'a compressed body',
      (stream) => stream.respond({ 'content-encoding': 'br' }, { endStream: true }),
      {},
      'EXECUTOR_BAD_ANSWER',
    ],
  ])('that is answered by %s is a fault, and is sent once', async (_what, onStream, more, code) => {
    expect(await faultFrom(onStream, { method: 'POST', body: 'pay', ...more })).toBe(code);
    expect([seen, connections]).toEqual([['POST /a?b=c'], 1]);
  });

  /** As an attacker on the way does: without a word of TLS. */
  function cutOff(): void {
    for (const socket of open) socket.destroy();
  }

  it.each([2, 8])('is a fault when its body is reset with code %d, and nothing passes for the whole', async (code) => {
    const frame = (type: number, flags: number, stream: number, payload: string) => {
      const bytes = Buffer.from(payload, 'latin1');
      return Buffer.concat([Buffer.from([0, 0, bytes.length, type, flags, 0, 0, 0, stream]), bytes]);
    };
    // Written by hand: Node's own server ends a body before it resets its stream. 0x88 is `:status: 200` (RFC 7541).
    const answer = [
      frame(4, 0, 0, ''),
      frame(1, 4, 1, '\x88'),
      frame(0, 0, 1, 'some'),
      frame(3, 0, 1, `\0\0\0${String.fromCharCode(code)}`),
    ];
    const raw = createTlsServer({ ...keys('server'), ALPNProtocols: ['h2'] }, (socket) => {
      let received = '';
      socket.on('data', (data) => {
        received += data.toString('latin1');
        if (received.includes('pay')) socket.write(Buffer.concat(answer));
      });
    });
    const port = await listen(raw);
    await expect(ask(port, { method: 'POST', body: 'pay' })).rejects.toMatchObject({ code: 'EXECUTOR_FAILED' });
    expect(connections).toBe(1);
  });

  it('gets the answer that was on its way when the server says that it goes away', async () => {
    const port = await listen(
      serving((stream) => {
        stream.session?.goaway(0);
        stream.respond();
        stream.end('last');
      }),
    );
    await expect(ask(port)).resolves.toMatchObject({ body: Buffer.from('last') });
  });

  it('ends its connection, with its answer as without one', async () => {
    const gone = (socket: TLSSocket) => (socket.destroyed ? undefined : once(socket, 'close'));
    const port = await listen(serving((stream) => stream.respond({}, { endStream: true })));
    await ask(port);
    await Promise.all([...open].map(gone));
    const stopped = new AbortController();
    await new Promise((done) => server?.close(done));
    const silent = await listen(serving(() => stopped.abort()));
    await expect(ask(silent, { signal: stopped.signal })).rejects.toMatchObject({ code: 'EXECUTOR_TIMEOUT' });
    await Promise.all([...open].map(gone));
    expect(connections).toBe(1);
  });
});
