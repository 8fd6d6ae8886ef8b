import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { WritConfig } from '#writ/catalogue';
import { createCa, LocalCa } from '#writ/local-ca';
import { basic, ProxyFixture } from './proxy.fixture.js';
import { TlsInspector } from './tls-inspector.js';

const config = WritConfig.parse({
  version: 1,
  ledger: 'test/default/0',
  egressProxy: { inspect: ['api', 'odd'] },
  destinations: {
    api: { origin: 'https://api.example.com' },
    odd: { origin: 'https://odd.example.com:8443' },
    other: { origin: 'https://other.example.com' },
  },
});
const DESTINATIONS = `
  api: { origin: https://api.example.com, methods: [GET, POST], paths: [/v1] }
  odd: { origin: https://odd.example.com:8443 }
  other: { origin: https://other.example.com }
`;

describe('a program whose TLS ends at the proxy', () => {
  let ca: string;
  let proxy: ProxyFixture;
  beforeAll(async () => {
    const files = await createCa('test', 'server', Date.now());
    ca = files.certificate;
    const inspector = new TlsInspector(await LocalCa.open(files, Date.now), config);
    proxy = await ProxyFixture.start({ destinations: DESTINATIONS, inspector });
  });
  beforeEach(() => {
    proxy.dispatched.length = 0;
  });
  afterAll(() => proxy[Symbol.asyncDispose]());

  const opened = async (target: string, agent: 'alice' | 'bob' = 'alice') => {
    const socket = proxy.connect();
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${basic(agent)}\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString()).toMatch(/^HTTP\/1\.1 200 /);
    return socket;
  };
  const secured = async (target: string, agent: 'alice' | 'bob' = 'alice'): Promise<TLSSocket> => {
    const [servername = ''] = target.split(':');
    const tls = connectTls({ socket: await opened(target, agent), servername, ca, ALPNProtocols: ['h2', 'http/1.1'] });
    await once(tls, 'secureConnect');
    return tls.on('error', () => undefined);
  };
  const said = async (tls: TLSSocket, bytes: string) => {
    tls.write(bytes);
    let text = '';
    for await (const chunk of tls.setEncoding('latin1') as AsyncIterable<string>) text += chunk;
    return text;
  };
  const get = (path: string, host = 'api.example.com', more = '') =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;

  it('sees a certificate for the name that it asked for, and speaks HTTP/1.1', async () => {
    const tls = await secured('api.example.com:443');
    expect([tls.authorized, tls.alpnProtocol]).toEqual([true, 'http/1.1']);
    expect(tls.getPeerCertificate().subjectaltname).toBe('DNS:api.example.com');
    tls.destroy();
  });

  it('has each request in it decided by itself, with path and method', async () => {
    const tls = await secured('api.example.com:443');
    const answer = await said(
      tls,
      get('/v1/a?b=1') + get('/v1/b', 'api.example.com', 'Authorization: Bearer x\r\nConnection: close\r\n'),
    );
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(proxy.dispatched).toEqual([
      { url: 'https://api.example.com/v1/a?b=1', method: 'GET', headers: {} },
      { url: 'https://api.example.com/v1/b', method: 'GET', headers: { authorization: 'Bearer x' } },
    ]);
  });

  it('reaches another port under its own name', async () => {
    const tls = await secured('odd.example.com:8443');
    await said(tls, get('/', 'odd.example.com:8443', 'Connection: close\r\n'));
    expect(proxy.dispatched).toMatchObject([{ url: 'https://odd.example.com:8443/' }]);
  });

  it.each([
    ['another Host', get('/v1', 'other.example.com')],
    ['a path that is not covered', get('/v2')],
    ['a whole URL', get('https://other.example.com/')],
    ['a path that begins like a host', get('//other.example.com/')],
    ['an upgrade', get('/v1', 'api.example.com', 'Upgrade: websocket\r\nConnection: upgrade\r\n')],
    ['a token for the proxy', get('/v1', 'api.example.com', basic('alice'))],
  ])('is refused with %s, and nothing behind it is dispatched', async (_what, bytes) => {
    const answer = await said(await secured('api.example.com:443'), bytes + get('/v1'));
    expect(answer.match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 403']);
    expect(proxy.dispatched).toEqual([]);
  });

  it('opens no tunnel from inside', async () => {
    const connect = `CONNECT other.example.com:443 HTTP/1.1\r\nHost: other.example.com:443\r\n${basic('alice')}\r\n`;
    expect(await said(await secured('api.example.com:443'), connect)).toBe('');
    expect(proxy.dispatched).toEqual([]);
  });

  it('is denied what its own agent may not', async () => {
    const answer = await said(await secured('api.example.com:443', 'bob'), get('/v1'));
    expect(answer).toMatch(/^HTTP\/1\.1 403 [^]*no_policy_permits/);
  });

  it.each([
    ['plain HTTP', Buffer.from(get('/v1'))],
    ['nothing but an end', undefined],
  ])('is cut off when it begins with %s', async (_what, bytes) => {
    const socket = await opened('api.example.com:443');
    if (bytes === undefined) socket.end();
    else socket.write(bytes);
    socket.resume();
    await once(socket, 'close');
    expect(proxy.dispatched).toEqual([]);
  });

  it('is cut off when it names another server than in CONNECT', async () => {
    const tls = connectTls({ socket: await opened('api.example.com:443'), servername: 'other.example.com', ca });
    await expect(once(tls, 'secureConnect')).rejects.toThrow();
    expect(proxy.dispatched).toEqual([]);
  });

  it('is not looked into where nobody said so', async () => {
    const target = 'other.example.com:443';
    const answer = await proxy.say(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${basic('alice')}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 [^]*tunnel\.not_allowed/);
  });
});

describe('the authority of the proxy', () => {
  it('makes one certificate for a host, and another one when that has been used for days', async () => {
    let nowMs = Date.now();
    const ca = await LocalCa.open(await createCa('test', 'server', nowMs), () => nowMs);
    const first = ca.contextFor('a.example');
    expect(ca.contextFor('a.example')).toBe(first);
    expect(ca.contextFor('b.example')).not.toBe(first);
    nowMs += 5 * 86_400_000;
    expect(ca.contextFor('a.example')).not.toBe(first);
    await Promise.all([first, ca.contextFor('a.example'), ca.contextFor('b.example')]);
  });

  it('is refused when it has expired, is damaged, or its files do not belong to each other', async () => {
    const [files, others] = [await createCa('a', 'server', Date.now()), await createCa('b', 'server', Date.now())];
    const opening = (key: string, certificate: string, nowMs = Date.now()) =>
      expect(LocalCa.open({ key, certificate }, () => nowMs)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    await opening(files.key, others.certificate);
    await opening('-----', files.certificate);
    await opening(files.key, files.certificate, Date.now() + 1_826 * 86_400_000);
  });
});
