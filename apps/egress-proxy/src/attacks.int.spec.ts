import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { dialDecided } from '#writ/outbound';
import { clientHello } from './client-hello.fixture.js';
import { basic, ProxyFixture, tokenOf } from './proxy.fixture.js';

const DESTINATIONS = `
  api: { origin: https://api.example.com, methods: [GET, POST], tunnel: {} }
  plain: { origin: http://plain.example.com, methods: [GET, POST] }
  other: { origin: https://other.example.com, tunnel: {} }
  closed: { origin: https://closed.example.com }
`;
const alice = basic('alice');
const API = 'http://api.example.com/v1';
const ask = (line: string, headers = 'Host: api.example.com\r\n', body = '') =>
  `${line} HTTP/1.1\r\n${headers}${alice}\r\n${body}`;
const tunnelTo = (target: string, headers = `Host: ${target}\r\n`) =>
  `CONNECT ${target} HTTP/1.1\r\n${headers}${alice}\r\n`;
const chunked = 'Transfer-Encoding: chunked\r\n';
const host = 'Host: api.example.com\r\n';

/** A service at the far end of every tunnel: what it heard, and an answer to anything. */
async function startFarEnd() {
  const heard: Buffer[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket
      .on('error', () => undefined)
      .on('data', (data) => {
        heard.push(data);
        socket.write('far');
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dial: typeof dialDecided = async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  };
  return { dial, heard: () => Buffer.concat(heard), connections: () => connections, close: () => server.close() };
}

type FarEnd = Awaited<ReturnType<typeof startFarEnd>>;

describe('what an agent says to the proxy over a raw socket', () => {
  let far: FarEnd;
  let proxy: ProxyFixture;
  beforeEach(async () => {
    far = await startFarEnd();
    proxy = await ProxyFixture.start({ destinations: DESTINATIONS, dial: far.dial });
  });
  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    far.close();
  });

  it.each([
    // Two readers of one request could see two requests in these, or one that ends elsewhere.
    [
      'Content-Length and Transfer-Encoding',
      ask(`POST ${API}`, `${host}Content-Length: 5\r\n${chunked}`, '0\r\n\r\n'),
      400,
    ],
    ['two Content-Length', ask(`POST ${API}`, `${host}Content-Length: 5\r\nContent-Length: 6\r\n`, 'aaaaaa'), 400],
    ['a list of lengths', ask(`POST ${API}`, `${host}Content-Length: 5, 5\r\n`, 'aaaaa'), 400],
    [
      'an obfuscated Transfer-Encoding',
      ask(`POST ${API}`, `${host}Transfer-Encoding: xchunked\r\n`, '0\r\n\r\n'),
      'closed',
    ],
    ['Transfer-Encoding twice', ask(`POST ${API}`, `${host}${chunked}${chunked}`, '0\r\n\r\n'), 400],
    ['a blank before the colon', ask(`POST ${API}`, `${host}Content-Length : 5\r\n`, 'aaaaa'), 400],
    ['a bare line feed', `GET ${API} HTTP/1.1\n${host}${alice}\n`, 400],
    ['a folded header', ask(`GET ${API}`, `${host}x-a: b\r\n c\r\n`), 400],
    ['a NUL in a header', ask(`GET ${API}`, `${host}x-a: b\0c\r\n`), 400],
    [
      'a chunk length that overflows',
      ask(`POST ${API}`, `${host}${chunked}`, 'fffffffffffffffff\r\na\r\n0\r\n\r\n'),
      'closed',
    ],
    ['a line feed in a chunk extension', ask(`POST ${API}`, `${host}${chunked}`, '1;a\nb\r\na\r\n0\r\n\r\n'), 'closed'],
    ['no Host', ask(`GET ${API}`, ''), 403],
    ['an expectation that is none', ask(`GET ${API}`, `${host}Expect: a-miracle\r\n`), 403],
    ['a Host that is another one than in the target', ask(`GET ${API}`, 'Host: other.example.com\r\n'), 403],
    ['a Host with another port', ask(`GET ${API}`, 'Host: api.example.com:8080\r\n'), 403],
    ['Host twice', ask(`GET ${API}`, `${host}${host}`), 403],
    ['a user in the target', ask('GET http://api.example.com@other.example.com/'), 403],
    ['a user in the target and in Host', ask('GET http://u@api.example.com/', 'Host: u@api.example.com\r\n'), 403],
    ['a target that is a path', ask('GET /v1'), 403],
    ['a target of another scheme', ask('GET ftp://api.example.com/'), 403],
    [
      'a backslash in the target',
      ask('GET http://api.example.com\\@other.example.com/', 'Host: api.example.com\\@other.example.com\r\n'),
      400,
    ],
    ['an encoded slash in the path', ask('GET http://api.example.com/v1%2fadmin'), 403],
    ['Connection that takes a header off', ask(`GET ${API}`, `${host}Connection: authorization\r\n`), 403],
    ['Proxy-Connection that does', ask(`GET ${API}`, `${host}Proxy-Connection: cookie\r\n`), 403],
    ['an upgrade to WebSocket', ask(`GET ${API}`, `${host}Connection: upgrade\r\nUpgrade: websocket\r\n`), 403],
    ['an upgrade that Connection does not name', ask(`GET ${API}`, `${host}Upgrade: h2c\r\n`), 403],
    ['settings of HTTP/2', ask(`GET ${API}`, `${host}HTTP2-Settings: AAMAAABk\r\n`), 403],
    ['TE', ask(`GET ${API}`, `${host}TE: trailers\r\n`), 403],
    ['a forwarded address', ask(`GET ${API}`, `${host}X-Forwarded-For: 127.0.0.1\r\n`), 403],
    ['another method in a header', ask(`GET ${API}`, `${host}X-HTTP-Method-Override: DELETE\r\n`), 403],
    ['a header twice', ask(`GET ${API}`, `${host}x-a: 1\r\nx-a: 2\r\n`), 403],
    ['TRACE', ask(`TRACE ${API}`), 403],
    ['a method that the destination does not take', ask(`DELETE ${API}`), 403],
    ['a body over the limit', ask(`POST ${API}`, `${host}Content-Length: 60000\r\n`, 'a'), 413],
    ['a body that is no text', ask(`POST ${API}`, `${host}Content-Length: 2\r\n`, '\xff\xfe'), 415],
    ['a loopback address', ask('GET http://127.0.0.1/', 'Host: 127.0.0.1\r\n'), 403],
    ['a destination that nobody declared', ask('GET http://evil.example.com/', 'Host: evil.example.com\r\n'), 403],
    ['no token', `GET ${API} HTTP/1.1\r\n${host}\r\n`, 407],
    ['a token of nobody', `GET ${API} HTTP/1.1\r\n${host}Proxy-Authorization: Bearer ${'A'.repeat(43)}\r\n\r\n`, 407],
    [
      'the token of another agent',
      `GET ${API} HTTP/1.1\r\n${host}Proxy-Authorization: Basic ${Buffer.from(`bob:${tokenOf('alice')}`).toString('base64')}\r\n\r\n`,
      407,
    ],
    ['two tokens', ask(`GET ${API}`, `${host}${basic('bob')}`), 403],
    ['a token of another scheme', `GET ${API} HTTP/1.1\r\n${host}Proxy-Authorization: Digest a\r\n\r\n`, 407],
    ['a head over the limit', ask(`GET ${API}`, `${host}x-a: ${'a'.repeat(17_000)}\r\n`), 400],
  ])('is refused and dispatches nothing when it is %s', async (_what, bytes, status) => {
    // What is pipelined behind it is in order: it must not be dispatched either.
    const answer = await proxy.say(bytes, ask(`GET ${API}`));
    // What breaks off inside a body ends the connection, for nobody can say where an answer would belong.
    expect(answer.slice(0, 13)).toBe(status === 'closed' ? '' : `HTTP/1.1 ${status} `);
    expect(proxy.dispatched).toEqual([]);
  });

  it.each([
    ['another Host', tunnelTo('api.example.com:443', 'Host: other.example.com:443\r\n')],
    ['Host twice', tunnelTo('api.example.com:443', 'Host: api.example.com:443\r\nHost: api.example.com:443\r\n')],
    ['no Host', tunnelTo('api.example.com:443', '')],
    ['a body', tunnelTo('api.example.com:443', 'Host: api.example.com:443\r\nContent-Length: 4\r\n')],
    ['a chunked body', tunnelTo('api.example.com:443', `Host: api.example.com:443\r\n${chunked}`)],
    ['an address', tunnelTo('127.0.0.1:443')],
    ['an address of IPv6', tunnelTo('[::1]:443')],
    ['an address of IPv4 in one of IPv6', tunnelTo('[::ffff:127.0.0.1]:443')],
    ['an address as one number', tunnelTo('2130706433:443')],
    ['an address in hexadecimal', tunnelTo('0x7f000001:443')],
    ['a name in brackets', tunnelTo('[api.example.com]:443')],
    ['a trailing dot', tunnelTo('api.example.com.:443')],
    ['no port', tunnelTo('api.example.com')],
    ['a port that is none', tunnelTo('api.example.com:99999')],
    ['another port', tunnelTo('api.example.com:22')],
    ['a user', tunnelTo('u@api.example.com:443')],
    ['a path', tunnelTo('api.example.com:443/x')],
    ['a percent sign', tunnelTo('api.example.com%2f:443')],
    ['a URL', tunnelTo('https://api.example.com:443')],
    ['a destination without tunnels', tunnelTo('closed.example.com:443')],
    ['a name that nobody declared', tunnelTo('evil.example.com:443')],
    ['no token', 'CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n\r\n'],
    [
      'an upgrade',
      tunnelTo('api.example.com:443', 'Host: api.example.com:443\r\nUpgrade: websocket\r\nConnection: upgrade\r\n'),
    ],
  ])('opens no tunnel with %s, and nothing behind it is dispatched', async (what, bytes) => {
    const answer = await proxy.say(bytes, ask(`GET ${API}`));
    expect(answer.slice(0, 13)).toBe(what === 'no token' ? 'HTTP/1.1 407 ' : 'HTTP/1.1 403 ');
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect([proxy.dispatched, far.connections()]).toEqual([[], 0]);
  });

  it('dispatches nothing that follows a denial on its connection, whoever asks then', async () => {
    const denied = `GET ${API} HTTP/1.1\r\n${host}${basic('bob')}\r\n`;
    const answer = await proxy.say(denied + ask(`GET ${API}/2`) + tunnelTo('api.example.com:443'));
    expect(answer.match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 403']);
    expect(answer).toContain('writ-code: no_policy_permits');
    expect(proxy.dispatched).toEqual([]);
    expect(proxy.asked).toHaveLength(1);
  });

  it('answers what is pipelined and permitted one after the other', async () => {
    const last = ask(`GET ${API}/2`, `${host}Connection: close\r\n`);
    const answer = await proxy.say(ask(`GET ${API}/1`) + last);
    expect(proxy.dispatched.map(({ url }) => url)).toEqual([
      'https://api.example.com/v1/1',
      'https://api.example.com/v1/2',
    ]);
    expect(answer.indexOf('/v1/1')).toBeLessThan(answer.indexOf('/v1/2'));
  });

  it('sends on neither the token nor anything that is about the connection', async () => {
    const more = `${host}Connection: close\r\nProxy-Connection: close\r\nAccept-Encoding: gzip\r\nX-Mine: 1\r\n`;
    await proxy.say(ask(`POST ${API}`, `${more}Content-Length: 2\r\n`, 'hi'));
    expect(proxy.dispatched).toEqual([
      { url: 'https://api.example.com/v1', method: 'POST', headers: { 'x-mine': '1' }, body: 'hi' },
    ]);
  });

  it('goes to https where that is what is declared, and stays plain where plain is', async () => {
    for (const name of ['api', 'plain'])
      await proxy.say(ask(`GET http://${name}.example.com/`, `Host: ${name}.example.com\r\nConnection: close\r\n`));
    expect(proxy.dispatched.map(({ url }) => url)).toEqual(['https://api.example.com/', 'http://plain.example.com/']);
  });

  const opened = async (target = 'api.example.com:443'): Promise<Socket> => {
    const socket = proxy.connect();
    socket.write(tunnelTo(target));
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString()).toBe('HTTP/1.1 200 Connection Established\r\n\r\n');
    return socket;
  };
  const failure = async () => proxy.outcomes[0]?.then(String, (error: { code: string }) => error.code);

  it.each([
    ['plain HTTP to a virtual host inside', Buffer.from('GET / HTTP/1.1\r\nHost: internal\r\n\r\n')],
    ['the name of another server', clientHello('other.example.com')],
    ['no name', clientHello(undefined)],
    ['two names', clientHello('api.example.com', 'other.example.com')],
    ['a hidden name beside the right one', clientHello('api.example.com', { encrypted: true })],
    ['more than 16 kB that do not become a ClientHello', clientHello('api.example.com', { padding: 17_000 })],
    ['a handshake that is no ClientHello', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ['a ClientHello that ends inside', Buffer.concat([Buffer.from([22, 3, 1, 0, 6, 1, 0, 0, 2]), Buffer.alloc(2)])],
  ])('closes a tunnel that begins with %s, and the far end hears nothing', async (_what, bytes) => {
    const socket = await opened();
    socket.write(bytes);
    await once(socket, 'close');
    expect(await failure()).toBe('EXECUTOR_TUNNEL_REFUSED');
    expect(far.heard()).toHaveLength(0);
  });

  it.each([
    ['in one write', [0]],
    ['in two writes, torn in the head of its record', [3]],
    ['in two writes, torn in its middle', [100]],
    ['byte by byte', Array.from({ length: 300 }, (_, at) => at + 1)],
  ])('carries a tunnel whose ClientHello comes %s', async (_what, cuts) => {
    const hello = clientHello('API.example.com', { padding: 1_500, records: 2 });
    const socket = (await opened()).setNoDelay(true);
    for (const [at, cut] of cuts.entries()) {
      socket.write(hello.subarray(at === 0 ? 0 : cuts[at - 1], cut));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write(hello.subarray(cuts.at(-1)));
    await once(socket, 'data');
    socket.end();
    socket.resume();
    expect(far.heard().equals(hello)).toBe(true);
    proxy.tunnels.stop('alice');
    await expect(proxy.outcomes[0]).resolves.toMatchObject({ sent: hello.length, received: 3 });
  });

  it('takes what is sent together with CONNECT for the beginning of the tunnel', async () => {
    const hello = clientHello('api.example.com');
    const socket = proxy.connect();
    socket.write(Buffer.concat([Buffer.from(tunnelTo('api.example.com:443')), hello]));
    let text = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) if ((text += chunk.toString()).endsWith('far')) break;
    expect(far.heard().equals(hello)).toBe(true);
  });

  it('has as many tunnels as it may, and the next one is refused before it is asked for', async () => {
    const sockets = await Promise.all(Array.from({ length: 4 }, () => opened()));
    expect(await proxy.say(tunnelTo('api.example.com:443'))).toMatch(/^HTTP\/1\.1 503 [^]*writ-code: BUSY/);
    expect(proxy.asked).toHaveLength(4);
    for (const socket of sockets) socket.destroy();
  });

  it('has its tunnels ended at the limit of bytes, with nothing passed on beyond', async () => {
    await using small = await ProxyFixture.start({
      destinations: '  api: { origin: https://api.example.com, tunnel: { bytesMax: 2000 } }\n',
      dial: far.dial,
    });
    const socket = small.connect();
    socket.write(Buffer.concat([Buffer.from(tunnelTo('api.example.com:443')), clientHello('api.example.com')]));
    await once(socket, 'data');
    socket.write(Buffer.alloc(3_000));
    await once(socket, 'close');
    await expect(small.outcomes[0]).resolves.toMatchObject({ endedBy: 'bytes' });
    expect(far.heard().length).toBeLessThan(2_000);
  });
});
