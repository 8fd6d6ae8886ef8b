import { execFileSync } from 'node:child_process';
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, createServer, type TLSSocket } from 'node:tls';
import { WritConfig } from '#writ/catalogue';
import { deploymentPaths } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { createCa, type KeyAndCertificate, LocalCa } from '#writ/local-ca';
import { ProxyAgent } from 'undici';
import { certificateIdentity } from './certificate-identity.js';
import { clientHello } from './client-hello.fixture.js';
import { listenerTls } from './listener-tls.js';
import { basic, ProxyFixture, uriOf } from './proxy.fixture.js';
import { TlsInspector } from './tls-inspector.js';

const DAY_MS = 86_400_000;
const DESTINATIONS = `
  api: { origin: https://api.example.com, tunnel: {} }
  looked: { origin: https://looked.example.com }
`;
const config = WritConfig.parse({
  version: 1,
  ledger: 'test/default/0',
  egressProxy: { inspect: ['looked'], tls: {} },
  destinations: { looked: { origin: 'https://looked.example.com' } },
});
const get = (more = '') =>
  `GET http://api.example.com/v1 HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n${more}\r\n`;

/** A certificate authority of the test, on disk as the proxy finds it or only in memory. */
const caOf = async (purpose: 'server' | 'client', nowMs = Date.now()) => {
  const files = await createCa(`test ${purpose}`, purpose, nowMs);
  return { files, ca: await LocalCa.open(files, () => nowMs) };
};
const certify = (ca: LocalCa, agent: 'alice' | 'bob') => ca.clientCertificate(uriOf(agent), { name: agent, days: 1 });

describe('an agent that shows a client certificate to the proxy', () => {
  let directory: string;
  let agents: LocalCa;
  let agentFiles: KeyAndCertificate;
  let shown: { readonly files: KeyAndCertificate; readonly ca: LocalCa };
  let proxy: ProxyFixture;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-proxy-tls-'));
    const paths = deploymentPaths(directory);
    shown = await caOf('server');
    ({ files: agentFiles, ca: agents } = await caOf('client'));
    await writeFile(paths.egressAgentCa, agentFiles.certificate);
    await writeFile(paths.egressCa, shown.files.certificate);
    await mkdir(paths.keysDir);
    await writeFile(paths.egressCaKey, shown.files.key, { mode: 0o600 });
    await writeFile(paths.egressAgentCaKey, agentFiles.key);
    proxy = await ProxyFixture.start({
      destinations: DESTINATIONS,
      inspector: new TlsInspector(shown.ca, config),
      tls: await listenerTls({ names: ['localhost', '127.0.0.1'] }, { paths, baseDirectory: directory }),
      dial: () => Promise.reject(new Fault('EXECUTOR_FAILED', 'nobody is there')),
    });
  });
  beforeEach(() => {
    proxy.dispatched.length = 0;
    proxy.gone.clear();
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const secured = async (identity?: KeyAndCertificate, more: ConnectionOptions = {}): Promise<TLSSocket> => {
    const own = identity === undefined ? {} : { key: identity.key, cert: identity.certificate };
    const trusted = { ca: shown.files.certificate, servername: 'localhost' };
    const socket = connect({ port: proxy.port, host: '127.0.0.1', ...trusted, ...own, ...more });
    await once(socket, 'secureConnect');
    return socket.on('error', () => undefined);
  };
  /** A certificate of alice, by the authority of agents, with that extended key usage. */
  const madeFor = (usage: string): KeyAndCertificate => {
    const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd: directory, stdio: 'pipe' });
    const says = `-addext subjectAltName=URI:${uriOf('alice')} -addext extendedKeyUsage=${usage}`;
    openssl(`req -newkey rsa:2048 -nodes -keyout a.key -out a.csr -subj /CN=alice ${says}`);
    const ca = '-CA egress-agent-ca.pem -CAkey keys/egress-agent-ca.key -CAcreateserial';
    const certificate = openssl(`x509 -req -in a.csr ${ca} -days 2 -copy_extensions copy`).toString();
    return { key: readFileSync(join(directory, 'a.key'), 'utf8'), certificate };
  };
  const heard = async (socket: TLSSocket): Promise<string> => {
    let text = '';
    for await (const chunk of socket.setEncoding('latin1') as AsyncIterable<string>) text += chunk;
    return text;
  };
  const said = async (socket: TLSSocket, bytes: string): Promise<string> => {
    socket.write(bytes);
    return heard(socket);
  };
  const status = async (identity: KeyAndCertificate | undefined, more = '') =>
    (await said(await secured(identity), get(more))).slice(9, 12);

  it('is that agent, without a token or with its own', async () => {
    const alice = await certify(agents, 'alice');
    expect([await status(alice), await status(alice, basic('alice'))]).toEqual(['200', '200']);
    expect(await said(await secured(await certify(agents, 'bob')), get())).toMatch(/^HTTP\/1\.1 403 [^]*no_policy/);
  });

  it('is refused with the token of another one, whichever of both may more', async () => {
    for (const [shows, says] of [
      ['alice', 'bob'],
      ['bob', 'alice'],
    ] as const) {
      const answer = await said(await secured(await certify(agents, shows)), get(basic(says)));
      expect(answer).toMatch(/^HTTP\/1\.1 403 [^]*writ-code: PROXY_BAD_REQUEST/);
    }
    const wrong = `Proxy-Authorization: Bearer ${'A'.repeat(43)}\r\n`;
    expect(await status(await certify(agents, 'alice'), wrong)).toBe('403');
    expect(proxy.dispatched).toEqual([]);
  });

  it('needs a token when it shows none', async () => {
    expect([await status(undefined), await status(undefined, basic('alice'))]).toEqual(['407', '200']);
  });

  it.each<[string, () => Promise<KeyAndCertificate>]>([
    ['of another authority of that name', async () => certify((await caOf('client')).ca, 'alice')],
    ['of the authority by which the proxy looks into TLS', () => certify(shown.ca, 'alice')],
    ['of a server that the proxy speaks for', () => shown.ca.serverCertificate(['looked.example.com'])],
    [
      'of an agent that nobody knows',
      () => agents.clientCertificate('writ://default/agent/eve/Ueve', { name: 'eve', days: 1 }),
    ],
    [
      'of an earlier key of the agent',
      () => agents.clientCertificate('writ://default/agent/alice/Uold', { name: 'alice', days: 1 }),
    ],
    [
      'of another tenant',
      () => agents.clientCertificate('writ://other/agent/alice/Ualice', { name: 'alice', days: 1 }),
    ],
    ['that only has the name of the agent', () => agents.clientCertificate('writ://alice', { name: 'alice', days: 1 })],
  ])('is nobody with a certificate %s, also with a good token beside it', async (_what, made) => {
    const certificate = await made();
    expect([await status(certificate), await status(certificate, basic('alice'))]).toEqual(['407', '407']);
    expect(proxy.dispatched).toEqual([]);
  });

  it('is nobody with a certificate that is otherwise right and for a server', async () => {
    expect([await status(madeFor('clientAuth')), await status(madeFor('serverAuth'))]).toEqual(['200', '407']);
  });

  it('is nobody with a certificate that has expired, or will only count later', async () => {
    for (const days of [-3, 3]) {
      const ca = await LocalCa.open(agentFiles, () => Date.now() + days * DAY_MS);
      const certificate = await certify(ca, 'alice');
      expect([await status(certificate), await status(certificate, basic('alice'))]).toEqual(['407', '407']);
    }
    expect(proxy.dispatched).toEqual([]);
  });

  it('is asked for again at each request: removed, or its certificate ended meanwhile, it is nobody', async () => {
    const socket = await secured(await certify(agents, 'alice'));
    const answers = socket.setEncoding('latin1')[Symbol.asyncIterator]() as AsyncIterator<string>;
    socket.write(get().replace('Connection: close\r\n', ''));
    expect((await answers.next()).value).toMatch(/^HTTP\/1\.1 200 /);
    proxy.gone.add('alice');
    socket.write(get());
    expect((await answers.next()).value).toMatch(/^HTTP\/1\.1 407 /);
    expect(proxy.dispatched).toHaveLength(1);

    const until = { subjectAltName: 'URI:alice', validTo: 'Nov 23 00:00:00 2026 GMT' };
    const shownBy = { authorized: true, getPeerX509Certificate: () => until } as unknown as TLSSocket;
    let nowMs = Date.parse('2026-11-22T23:59:59Z');
    const alice = { name: 'alice' } as never;
    const identity = certificateIdentity(shownBy, { byCertificate: () => alice }, () => nowMs);
    expect(identity?.()).toBe(alice);
    nowMs += 1_000;
    expect(identity?.()).toBeUndefined();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes no session by %s, and shows no other certificate in one',
    async (version) => {
      const versions = { minVersion: version, maxVersion: version };
      const first = await secured(await certify(agents, 'alice'), versions);
      let session = first.getSession();
      first.on('session', (later) => (session = later));
      if (version === 'TLSv1.2') {
        first.renegotiate({}, () => undefined);
        await expect(once(first, 'close')).rejects.toThrow('no renegotiation');
      } else {
        await said(first, get());
      }
      const again = await secured(undefined, { ...versions, session });
      expect([again.isSessionReused(), (await said(again, get())).slice(9, 12)]).toEqual([false, '407']);
    },
  );

  it('speaks no TLS before 1.2, and no HTTP without TLS', async () => {
    const old = connect({
      port: proxy.port,
      host: '127.0.0.1',
      ca: shown.files.certificate,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
      secureOptions: constants.SSL_OP_NO_TLSv1_2,
    });
    await expect(once(old, 'secureConnect')).rejects.toThrow(/version/);
    const plain = connectPlain(proxy.port, '127.0.0.1').on('error', () => undefined);
    plain.write(get(basic('alice')));
    plain.resume();
    await once(plain, 'close');
    expect(proxy.dispatched).toEqual([]);
  });

  it('opens tunnels, and has what it says in a TLS that is looked into decided as its own', async () => {
    const alice = await certify(agents, 'alice');
    const connectTo = (host: string) => `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`;
    const tunnel = await secured(alice);
    tunnel.write(Buffer.concat([Buffer.from(connectTo('api.example.com')), clientHello('api.example.com')]));
    expect(await heard(tunnel)).toContain('EXECUTOR_FAILED');
    expect(proxy.dispatched).toMatchObject([{ host: 'api.example.com', port: 443 }]);

    const outer = await secured(alice);
    outer.write(connectTo('looked.example.com'));
    await once(outer, 'data');
    const inner = connect({ socket: outer, servername: 'looked.example.com', ca: shown.files.certificate });
    await once(inner, 'secureConnect');
    inner.on('error', () => undefined).setEncoding('latin1');
    const ask = (path: string) => inner.write(`GET ${path} HTTP/1.1\r\nHost: looked.example.com\r\n\r\n`);
    ask('/v1');
    expect((await once(inner, 'data'))[0]).toMatch(/^HTTP\/1\.1 200 /);
    proxy.gone.add('alice');
    ask('/v2');
    expect((await once(inner, 'data'))[0]).toMatch(/^HTTP\/1\.1 407 /);
    expect(proxy.dispatched).toHaveLength(2);
  });

  it('is taken for no server by those who trust the authority of agents, nor for one by those who trust the proxy', async () => {
    const { files, ca } = await caOf('client');
    for (const trusted of [files.certificate, shown.files.certificate]) {
      const { key, certificate: cert } = await certify(ca, 'alice');
      const server = createServer({ key, cert }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1', ca: trusted });
      await expect(once(client, 'secureConnect')).rejects.toThrow();
      server.close();
    }
  });

  it('is refused a listener whose certificate is missing, damaged or of another key', async () => {
    const paths = deploymentPaths(directory);
    const listening = (certificateFile: string, keyFile: string) =>
      listenerTls({ names: ['localhost'], certificateFile, keyFile }, { paths, baseDirectory: directory });
    await expect(listening('egress-ca.pem', 'keys/egress-ca.key')).resolves.toMatchObject({ requestCert: true });
    for (const [certificateFile, keyFile] of [
      ['none.pem', 'keys/egress-ca.key'],
      ['keys/egress-ca.key', 'keys/egress-ca.key'],
      ['egress-agent-ca.pem', 'keys/egress-ca.key'],
    ] as const)
      await expect(listening(certificateFile, keyFile)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
  });

  it('is served as undici asks, which speaks TLS to its proxies', async () => {
    const { key, certificate: cert } = await certify(agents, 'alice');
    const proxyTls = { key, cert, ca: shown.files.certificate, servername: 'localhost' };
    const requestTls = { ca: shown.files.certificate };
    const dispatcher = new ProxyAgent({ uri: `https://127.0.0.1:${proxy.port}`, proxyTls, requestTls });
    const asked = { origin: 'https://looked.example.com', path: '/v1', method: 'GET' } as const;
    const { statusCode, body } = await dispatcher.request(asked);
    expect([statusCode, await body.text()]).toEqual([200, 'https://looked.example.com/v1']);
    await dispatcher.close();
  });
});
