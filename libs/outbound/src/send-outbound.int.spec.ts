import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { CredentialBroker, type LeasedCredential } from '#writ/credentials';
import { type OutboundAnswer, type WholeRequest, type ResolvedAddress, sendOutbound } from './index.js';

const TOKEN = 'xoxb-0123456789-secret/token+value';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const open: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(open.splice(0).map((server) => new Promise((done) => server.close(done))));
});

async function listen(server: Server | TcpServer): Promise<number> {
  open.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

const serve = (handler: Handler): Promise<number> => listen(createServer(handler));
const serveRaw = (handler: (socket: Socket) => void): Promise<number> => listen(createTcpServer(handler));

const LOOPBACK: ResolvedAddress = { address: '127.0.0.1', family: 4 };
const toLoopback = async (): Promise<readonly ResolvedAddress[]> => [LOOPBACK];

function send(port: number, changes: Partial<WholeRequest> = {}): Promise<OutboundAnswer> {
  return sendOutbound({
    url: `http://api.example.invalid:${port}/v1?q=1`,
    method: 'GET',
    headers: {},
    internal: true,
    timeoutMs: 2_000,
    responseBytesMax: 100_000,
    resolve: toLoopback,
    ...changes,
  });
}

const fault = (code: string, message: RegExp | string = /./): object => ({
  code,
  message: expect.stringMatching(message),
});

async function lease(port: number): Promise<LeasedCredential> {
  const origin = `http://api.example.invalid:${port}`;
  const record = { from: { env: 'TOKEN' }, origins: [origin], header: 'Authorization', format: 'Bearer {}' };
  const broker = new CredentialBroker({ slack: record }, { env: () => TOKEN, readFile: async () => '' });
  return broker.lease('slack', origin);
}

describe('sendOutbound', () => {
  it('connects to the address that was classified, by a real connection, and keeps the name as Host', async () => {
    // Fails when an upgrade of undici stops honouring `connect.lookup`: the name exists in no DNS.
    const port = await serve((request, response) => response.end(`${request.headers.host} ${request.url}`));
    const answer = await send(port);
    expect(answer).toMatchObject({ status: 200, echoed: false });
    expect(answer.body.toString()).toBe(`api.example.invalid:${port} /v1?q=1`);
  });

  it('EGRESS-04: asks the resolver once, so that a rebinding name never gets its second answer in', async () => {
    const port = await serve((_request, response) => response.end('first'));
    const answers: ResolvedAddress[][] = [[LOOPBACK], [{ address: '127.0.0.2', family: 4 }]];
    const asked: string[] = [];
    const resolve = async (host: string): Promise<ResolvedAddress[]> => {
      asked.push(host);
      return answers.shift() ?? [];
    };
    expect((await send(port, { resolve })).body.toString()).toBe('first');
    expect(asked).toEqual(['api.example.invalid']);
  });

  it.each<[string, readonly string[], boolean, string]>([
    ['loopback for a public destination', ['127.0.0.1'], false, 'ip.loopback'],
    ['one private address among public ones', ['93.184.215.14', '10.0.0.1'], false, 'ip.private'],
    ['a mapped address', ['::ffff:93.184.215.14'], false, 'ip.mapped-public'],
    ['no address', [], false, 'dns.empty'],
    ['instance metadata for an internal destination', ['169.254.169.254'], true, 'ip.linkLocal'],
    ['metadata in a private range for an internal destination', ['fd00:ec2::254'], true, 'ip.metadata'],
    ['the unspecified address for an internal destination', ['0.0.0.0'], true, 'ip.unspecified'],
  ])('EGRESS-03: refuses %s before anything is sent', async (_case, addresses, internal, code) => {
    let hits = 0;
    const port = await serve((_request, response) => response.end(String(++hits)));
    const resolve = async (): Promise<ResolvedAddress[]> =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    await expect(send(port, { internal, resolve })).rejects.toMatchObject(fault('EXECUTOR_ADDRESS_REFUSED', code));
    expect(hits).toBe(0);
  });

  it('dials an address literal for an internal destination only', async () => {
    const port = await serve((_request, response) => response.end('here'));
    const url = `http://127.0.0.1:${port}/`;
    expect((await send(port, { url })).body.toString()).toBe('here');
    await expect(send(port, { url, internal: false })).rejects.toMatchObject(fault('EXECUTOR_ADDRESS_REFUSED'));
    await expect(send(port, { url: 'http://169.254.169.254/' })).rejects.toMatchObject(
      fault('EXECUTOR_ADDRESS_REFUSED'),
    );
  });

  it.each([
    ['a private address', 'http://10.0.0.1/admin?x=1', 'http://10.0.0.1'],
    ['a protocol-relative place', '//evil.example/x', 'http://evil.example'],
    ['a file', 'file:///etc/passwd', 'file:'],
    ['itself', '/v1', 'http://api.example.invalid'],
  ])('EGRESS-05: does not follow a redirect to %s', async (_case, location, told) => {
    let hits = 0;
    const port = await serve((_request, response) => {
      hits++;
      response.writeHead(302, { location }).end('a body that nobody reads'.repeat(1000));
    });
    await expect(send(port)).rejects.toMatchObject(fault('EXECUTOR_REDIRECTED', told));
    expect(hits).toBe(1);
  });

  it('stops a body that never ends at the limit', async () => {
    const port = await serve((_request, response) => {
      const more = (): void => void (response.destroyed || !response.write('x'.repeat(20_000)) || setImmediate(more));
      response.on('drain', more);
      more();
    });
    await expect(send(port)).rejects.toMatchObject(fault('EXECUTOR_OUTPUT_TOO_LARGE'));
  });

  it('refuses a body one byte over the limit, and returns a body of exactly the limit whole', async () => {
    const port = await serve((request, response) => response.end('x'.repeat(Number(request.headers['x-length']))));
    await expect(send(port, { headers: { 'X-Length': '100001' } })).rejects.toMatchObject(
      fault('EXECUTOR_OUTPUT_TOO_LARGE'),
    );
    expect((await send(port, { headers: { 'X-Length': '100000' } })).body).toHaveLength(100_000);
  });

  it('takes the length that an answer to HEAD announces for what it is', async () => {
    const port = await serve((_request, response) => response.writeHead(200, { 'content-length': '900000' }).end());
    const answer = await send(port, { method: 'HEAD' });
    expect(answer.headers).toMatchObject({ 'content-length': '900000' });
    expect(answer.body).toHaveLength(0);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['no headers', () => undefined],
    [
      'a drip feed',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
        const drip = setInterval(() => socket.write('x'), 20);
        socket.on('close', () => clearInterval(drip));
      },
    ],
  ])('ends %s at the total deadline', async (_case, handler) => {
    const port = await serveRaw(handler);
    await expect(send(port, { timeoutMs: 150 })).rejects.toMatchObject(fault('EXECUTOR_TIMEOUT'));
  });

  it('ends a resolver that never answers at the deadline', async () => {
    const resolve = (): Promise<never> => new Promise(() => undefined);
    await expect(send(1, { timeoutMs: 50, resolve })).rejects.toMatchObject(fault('EXECUTOR_TIMEOUT'));
  });

  it('stops when its caller does', async () => {
    const port = await serveRaw(() => undefined);
    const caller = new AbortController();
    const answer = send(port, { signal: caller.signal });
    setImmediate(() => caller.abort());
    await expect(answer).rejects.toMatchObject(fault('EXECUTOR_TIMEOUT', 'stopped'));
  });

  it.each<[string, string, string]>([
    ['headers of 40 kB', `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`, 'EXECUTOR_OUTPUT_TOO_LARGE'],
    ['something that is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'EXECUTOR_BAD_ANSWER'],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'EXECUTOR_FAILED'],
  ])('names %s', async (_case, bytes, code) => {
    const port = await serveRaw((socket) => socket.once('data', () => socket.end(bytes)));
    await expect(send(port)).rejects.toMatchObject({ code });
  });

  it('refuses a compressed answer instead of inflating it', async () => {
    const port = await serve((request, response) => {
      expect(request.headers['accept-encoding']).toBe('identity');
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000)));
    });
    await expect(send(port)).rejects.toMatchObject(fault('EXECUTOR_BAD_ANSWER'));
  });

  it('says that nothing was sent when no connection could be made', async () => {
    const port = await serve(() => undefined);
    await Promise.all(open.splice(0).map((server) => new Promise((done) => server.close(done))));
    await expect(send(port)).rejects.toMatchObject(fault('EXECUTOR_UNREACHABLE'));
    const resolve = async (): Promise<never> => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    };
    await expect(send(port, { resolve })).rejects.toMatchObject(fault('EXECUTOR_UNREACHABLE', 'resolve'));
  });

  it.each<[string, Record<string, string>]>([
    ['a line break', { 'x-a': 'b\r\nx-evil: 1' }],
    ['another host', { Host: 'evil.example' }],
    ['its own framing', { 'Transfer-Encoding': 'chunked' }],
    ['a hop-by-hop header', { Connection: 'authorization' }],
  ])('sends no header with %s', async (_case, headers) => {
    let hits = 0;
    const port = await serve((_request, response) => response.end(String(++hits)));
    await expect(send(port, { headers })).rejects.toMatchObject(fault('EXECUTOR_FAILED', 'header'));
    expect(hits).toBe(0);
  });

  it('refuses a method that would end the request line', async () => {
    const port = await serve((_request, response) => response.end());
    await expect(send(port, { method: 'GET / HTTP/1.1\r\nX: y' })).rejects.toMatchObject({
      code: expect.stringMatching(/^EXECUTOR_/),
    });
  });

  it('puts the credential into the request and takes it out of headers and body of the answer', async () => {
    const seen: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      seen.push(request.headers.authorization);
      const echo = { headers: request.headers, base64: Buffer.from(`x${TOKEN}`).toString('base64') };
      response.writeHead(200, { 'X-Echo': String(request.headers.authorization), 'Set-Cookie': 'session=1' });
      response.end(JSON.stringify(echo));
    });
    const answer = await send(port, { credential: await lease(port), method: 'POST', body: 'hello' });
    expect(seen).toEqual([`Bearer ${TOKEN}`]);
    expect(answer.echoed).toBe(true);
    expect(answer.headers).toMatchObject({ 'x-echo': 'Bearer [credential:slack]' });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    const told = JSON.stringify(answer.headers) + answer.body.toString();
    expect(told).not.toContain(TOKEN);
    expect(told).not.toContain(Buffer.from(TOKEN).toString('base64').slice(4, 20));
  });

  it('tells where a redirect leads without the credential that it quotes', async () => {
    const port = await serve((_request, response) =>
      response.writeHead(307, { location: `https://${TOKEN.slice(0, 8)}.example/${TOKEN}` }).end(),
    );
    const refused = send(port, { credential: await lease(port) });
    await expect(refused).rejects.toMatchObject({ code: 'EXECUTOR_REDIRECTED' });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(TOKEN) });
  });

  it('refuses a credential that was leased for another origin, and a caller that authenticates itself beside it', async () => {
    const port = await serve((_request, response) => response.end());
    const credential = await lease(port + 1);
    await expect(send(port, { credential })).rejects.toMatchObject({ code: 'EXECUTOR_CREDENTIAL_REFUSED' });
    const headers = { authorization: 'Bearer mine' };
    await expect(send(port, { headers, credential: await lease(port) })).rejects.toMatchObject({
      code: 'EXECUTOR_FAILED',
    });
  });

  describe('tells that the credential was used', () => {
    /** Sends with a credential for the port, and says what was told until the request ended. */
    async function toldOf(port: number, changes: Partial<WholeRequest> = {}): Promise<unknown[]> {
      const told: unknown[] = [];
      const credential = await lease(port);
      const request = send(port, { credential, onCredentialSent: (use) => told.push(use), ...changes });
      await request.catch(() => undefined);
      return told;
    }
    const use = (port: number, echoed: boolean) => [
      { name: 'slack', origin: `http://api.example.invalid:${port}`, echoed },
    ];

    it.each([
      ['when the service answers', false, (_request: IncomingMessage) => 'ok'],
      ['when it sends the credential back', true, (request: IncomingMessage) => request.headers.authorization],
    ])('%s', async (_case, echoed, answerOf) => {
      const port = await serve((request, response) => response.end(answerOf(request)));
      await expect(toldOf(port)).resolves.toEqual(use(port, echoed));
    });

    it.each<[string, Handler, Partial<WholeRequest>]>([
      ['the answer is a redirect', (_, response) => response.writeHead(302, { location: '/x' }).end(), {}],
      ['the answer is too large', (_, response) => response.end('xx'), { responseBytesMax: 1 }],
      ['the connection ends', (request) => request.socket.destroy(), {}],
      ['there is no answer in time', () => undefined, { timeoutMs: 100 }],
    ])('once, when %s', async (_case, handler, changes) => {
      const port = await serve(handler);
      await expect(toldOf(port, changes)).resolves.toEqual(use(port, false));
    });

    it('at the moment when the caller gives up, not later', async () => {
      const caller = new AbortController();
      const port = await serve(() => {
        caller.abort();
        events.push('given up');
      });
      const events: string[] = [];
      const credential = await lease(port);
      const onCredentialSent = () => events.push('told');
      await expect(send(port, { credential, signal: caller.signal, onCredentialSent })).rejects.toMatchObject(
        fault('EXECUTOR_TIMEOUT'),
      );
      expect(events).toEqual(['told', 'given up']);
    });

    it.each<[string, Partial<WholeRequest>]>([
      ['the address is refused', { internal: false }],
      ['a header is refused', { headers: { Host: 'evil.example' } }],
      ['the method is none', { method: 'GET / HTTP/1.1' }],
      ['the name does not resolve', { resolve: () => Promise.reject(new Error('ENOTFOUND')) }],
      ['the name does not resolve in time', { timeoutMs: 50, resolve: () => new Promise(() => undefined) }],
      ['the caller has given up before', { signal: AbortSignal.abort() }],
      ['the request has none', { credential: undefined }],
    ])('never, when %s', async (_case, changes) => {
      const port = await serve((_request, response) => response.end());
      await expect(toldOf(port, changes)).resolves.toEqual([]);
    });

    it('never, when no connection could be made, or the credential is for another origin', async () => {
      const port = await serve((_request, response) => response.end());
      await expect(toldOf(port, { credential: await lease(port + 1) })).resolves.toEqual([]);
      await Promise.all(open.splice(0).map((server) => new Promise((done) => server.close(done))));
      await expect(toldOf(port)).resolves.toEqual([]);
    });

    it('never, when the server is not who it should be', async () => {
      const tls = createTlsServer({ SNICallback: (_name, done) => done(new Error('no certificate here')) });
      tls.on('tlsClientError', () => undefined);
      const port = await listen(tls);
      const origin = `https://api.example.invalid:${port}`;
      const record = { from: { env: 'TOKEN' }, origins: [origin], header: 'Authorization', format: 'Bearer {}' };
      const broker = new CredentialBroker({ slack: record }, { env: () => TOKEN, readFile: async () => '' });
      const credential = await broker.lease('slack', origin);
      await expect(toldOf(port, { url: `${origin}/`, credential })).resolves.toEqual([]);
    });
  });

  it('keeps the name as SNI on the pinned address', async () => {
    const names: string[] = [];
    const tls = createTlsServer({
      SNICallback: (name, done) => {
        names.push(name);
        done(new Error('no certificate here'));
      },
    });
    tls.on('tlsClientError', () => undefined);
    const port = await listen(tls);
    await expect(send(port, { url: `https://api.example.invalid:${port}/` })).rejects.toMatchObject({
      code: expect.stringMatching(/^EXECUTOR_/),
    });
    expect(names).toEqual(['api.example.invalid']);
  });
});

describe('an answer that may be cut', () => {
  const cuts = () => ({ atDeadline: true });
  const stream = (write: (response: ServerResponse) => void) =>
    serve((_request, response) =>
      write(response.writeHead(200, { 'content-type': 'Text/Event-Stream; charset=utf-8' })),
    );

  it('ends at its limit, and a credential that lies across it leaves no part of itself', async () => {
    const port = await serve((request, response) => response.end('x'.repeat(90) + request.headers.authorization));
    const credential = await lease(port);
    const answer = await send(port, { credential, responseBytesMax: 105, cuts });
    expect(answer).toMatchObject({ cut: 'size', echoed: true });
    expect(answer.body.toString()).toBe(`${'x'.repeat(90)}Bearer [credent`);
  });

  it('ends at the deadline, with what came till then', async () => {
    const port = await stream((response) => response.write('data: a\n\n'));
    const answer = await send(port, { timeoutMs: 300, cuts });
    expect([answer.cut, answer.body.toString()]).toEqual(['time', 'data: a\n\n']);
  });

  it('is asked for by its media type alone, and is a fault for every other', async () => {
    const asked: string[] = [];
    const only = (mediaType: string) => void asked.push(mediaType);
    const endless = await stream((response) => response.write('data: a\n\n'));
    await expect(send(endless, { timeoutMs: 300, cuts: only })).rejects.toMatchObject(fault('EXECUTOR_TIMEOUT'));
    const large = await serve((_request, response) => response.end('x'.repeat(101)));
    const sent = send(large, { responseBytesMax: 100, cuts: only });
    await expect(sent).rejects.toMatchObject(fault('EXECUTOR_OUTPUT_TOO_LARGE'));
    expect(asked).toEqual(['text/event-stream', '']);
  });

  it('is none when whoever asked gave up: they hear of a time-out', async () => {
    const port = await stream((response) => response.write('data: a\n\n'));
    const sent = send(port, { cuts, signal: AbortSignal.timeout(200) });
    await expect(sent).rejects.toMatchObject(fault('EXECUTOR_TIMEOUT', 'stopped'));
  });
});
