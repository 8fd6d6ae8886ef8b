import { createHash, createHmac, generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import type { InjectionDeclaration } from '#writ/catalogue';
import { sendOutbound } from '#writ/outbound';
import { CredentialBroker, type CredentialUse } from './index.js';
import type { SendOwn } from './token-request.js';

const SECRET = 's3cret +/value';
const CLIENT_SECRET = 'cl1ent%secret';
const TOKEN = 'at-0123456789abcdef';
const SERVICE = 'https://api.example';
const APP_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = APP_KEY.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (response: ServerResponse, seen: Seen) => void;
const json = (status: number, body: unknown): Answer => {
  return (response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const granted = json(200, { access_token: TOKEN, token_type: 'Bearer', expires_in: 3600 });

/** Plays the token endpoint, and the service that is called. */
class Endpoint {
  readonly seen: Seen[] = [];
  answer: Answer = granted;
  url = '';
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = '', url = '', headers } = request;
    const seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
    this.seen.push(seen);
    this.answer(response, seen);
  }
}

describe('a minted token', () => {
  const endpoint = new Endpoint();
  beforeAll(() => endpoint.start());
  afterAll(() => endpoint.stop());
  beforeEach(() => {
    endpoint.seen.length = 0;
    endpoint.answer = granted;
  });

  const oauth = (more: object = {}) =>
    ({
      kind: 'oauth-client-credentials',
      tokenUrl: `${endpoint.url}/token`,
      internal: true,
      clientId: 'writ:1',
      clientAuth: 'basic',
      ...more,
    }) as InjectionDeclaration;
  const githubApp = () =>
    ({
      kind: 'github-app',
      appId: '4711',
      installationId: '99',
      api: endpoint.url,
      internal: true,
      repositories: ['writ'],
      permissions: { contents: 'read' },
    }) as InjectionDeclaration;

  function setup(inject: InjectionDeclaration, values: Record<string, string> = {}, timeoutMs = 2_000) {
    const env: Record<string, string> = { SECRET, CLIENT_SECRET, ...values };
    const send: SendOwn = (request) => sendOutbound({ ...request, timeoutMs });
    const record = { from: { env: 'SECRET' }, origins: [SERVICE, endpoint.url], inject };
    const sources = { env: (name: string) => env[name], readFile: async () => '' };
    const uses: CredentialUse[] = [];
    const broker = new CredentialBroker({ api: record }, sources, { send });
    const lease = (origin = SERVICE) => broker.lease('api', origin, { onCredentialSent: (use) => uses.push(use) });
    return { lease, uses, env };
  }
  const headersOf = async (lease: ReturnType<ReturnType<typeof setup>['lease']>) =>
    (await (await lease).apply({ method: 'GET', url: `${SERVICE}/`, headers: {} })).headers;

  it('comes by the client credentials grant, goes into requests, and is scrubbed from answers with the secret: EXECUTOR-03', async () => {
    const { lease, uses } = setup(oauth({ scope: 'read write', audience: 'crm' }));
    const credential = await lease();
    expect(await headersOf(lease())).toEqual({ authorization: `Bearer ${TOKEN}` });
    const [seen] = endpoint.seen;
    expect(seen).toMatchObject({ method: 'POST', url: '/token' });
    expect(Object.fromEntries(new URLSearchParams(seen?.body))).toEqual({
      grant_type: 'client_credentials',
      scope: 'read write',
      audience: 'crm',
    });
    const basic = Buffer.from(seen?.headers.authorization?.slice(6) ?? '', 'base64').toString();
    expect(basic.split(':').map((part) => new URLSearchParams(`v=${part}`).get('v'))).toEqual(['writ:1', SECRET]);
    expect(credential.scrubText(`${TOKEN} and ${SECRET}`).text).toBe('[credential:api] and [credential:api]');
    // The second lease used the token of the first.
    expect(endpoint.seen).toHaveLength(1);
    expect(uses).toEqual([{ name: 'api', origin: endpoint.url, echoed: false }]);
  });

  it('comes with the secret in the body where the endpoint wants it there', async () => {
    await setup(oauth({ clientAuth: 'post' })).lease();
    expect(endpoint.seen[0]?.headers.authorization).toBeUndefined();
    const body = Object.fromEntries(new URLSearchParams(endpoint.seen[0]?.body));
    expect(body).toMatchObject({ client_id: 'writ:1', client_secret: SECRET });
  });

  it('comes by token exchange, as RFC 8693 has it', async () => {
    const exchange = oauth({
      kind: 'oauth-token-exchange',
      clientSecret: { env: 'CLIENT_SECRET' },
      subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
      resource: 'https://crm.example/',
      scope: 'read',
    });
    endpoint.answer = json(200, {
      access_token: TOKEN,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 60,
    });
    const credential = await setup(exchange).lease();
    expect(Object.fromEntries(new URLSearchParams(endpoint.seen[0]?.body))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: SECRET,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      resource: 'https://crm.example/',
      scope: 'read',
    });
    for (const value of [TOKEN, SECRET, CLIENT_SECRET]) expect(credential.scrubText(value).found).toBe(true);
  });

  it('of a GitHub App is asked for with a JWT that its key signed, narrowed to what the record names', async () => {
    endpoint.answer = json(201, { token: TOKEN, expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    const { lease } = setup(githubApp(), { SECRET: PEM });
    expect(await headersOf(lease())).toEqual({ authorization: `Bearer ${TOKEN}` });
    const [seen] = endpoint.seen;
    expect(seen).toMatchObject({ method: 'POST', url: '/app/installations/99/access_tokens' });
    expect(JSON.parse(seen?.body ?? '')).toEqual({ repositories: ['writ'], permissions: { contents: 'read' } });
    const [head = '', claims = '', signature = ''] = seen?.headers.authorization?.slice(7).split('.') ?? [];
    const signed = Buffer.from(`${head}.${claims}`);
    expect(verify('sha256', signed, APP_KEY.publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
    const { iat, exp, iss } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, number>;
    expect(iss).toBe('4711');
    expect((exp ?? 0) - (iat ?? 0)).toBeLessThanOrEqual(600);
    await lease();
    expect(endpoint.seen).toHaveLength(1);
  });

  it('is minted anew when the secret changed, and when the service does not take it', async () => {
    const { lease, env } = setup(oauth());
    const first = await lease();
    first.answered(200);
    await lease();
    expect(endpoint.seen).toHaveLength(1);
    first.answered(401);
    await lease();
    expect(endpoint.seen).toHaveLength(2);
    env['SECRET'] = 'another-secret-value';
    await lease();
    expect(endpoint.seen).toHaveLength(3);
  });

  const slowly: Answer = () => undefined;
  it.each<[string, Answer, string]>([
    ['a wrong client', json(401, { error: 'invalid_client', error_description: SECRET }), '401 `invalid_client`'],
    ['an error of its own making', json(400, { error: `you sent ${SECRET}` }), 'status 400'],
    ['403', json(403, {}), 'no token'],
    ['404', (response) => response.writeHead(404).end(SECRET), 'no token'],
    ['500', (response) => response.writeHead(500).end('oh'), 'no token'],
    ['nothing in time', slowly, 'EXECUTOR_TIMEOUT'],
    [
      'what is no JSON',
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{'),
      'no token',
    ],
    ['HTML', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'), 'no token'],
    ['no token', json(200, { token_type: 'Bearer' }), 'no token'],
    ['a token of another type', json(200, { access_token: TOKEN, token_type: 'DPoP' }), 'no bearer token'],
    ['a token of an unknown type', json(200, { access_token: TOKEN, token_type: 'mac' }), 'no token'],
    ['a token with a line break', json(200, { access_token: `${TOKEN}\r\nx: y`, token_type: 'Bearer' }), 'is no token'],
    ['too short a token', json(200, { access_token: 'a', token_type: 'Bearer' }), 'is no token'],
    [
      'a redirect',
      (response) => response.writeHead(307, { location: 'https://evil.example/' }).end(),
      'EXECUTOR_REDIRECTED',
    ],
    ['more than an answer may have', json(200, { access_token: 'x'.repeat(70_000) }), 'EXECUTOR_OUTPUT_TOO_LARGE'],
  ])(
    'is refused when the token endpoint answers with %s, and nothing of a secret is told',
    async (_case, answer, why) => {
      endpoint.answer = answer;
      const { lease } = setup(oauth(), {}, 300);
      const fault: unknown = await lease().catch((error: unknown) => error);
      expect(fault).toMatchObject({ code: 'EXECUTOR_CREDENTIAL_REFUSED', message: expect.stringContaining(why) });
      const shown = inspect(fault, { depth: 9, showHidden: true });
      for (const value of [SECRET, TOKEN, 'evil.example']) expect(shown).not.toContain(value);
    },
  );

  it.each<[string, Answer, string]>([
    ['401', json(401, { message: PEM }), 'status 401'],
    ['no token', json(201, { expires_at: 'x' }), 'no token'],
  ])('of a GitHub App is refused when GitHub answers %s', async (_case, answer, why) => {
    endpoint.answer = answer;
    const refused = setup(githubApp(), { SECRET: PEM }).lease();
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining(why) });
  });

  it('of a GitHub App is refused when the value is no private key', async () => {
    const fault: unknown = await setup(githubApp())
      .lease()
      .catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'EXECUTOR_CREDENTIAL_REFUSED' });
    expect(inspect(fault)).not.toContain(SECRET);
    expect(endpoint.seen).toEqual([]);
  });

  describe('or a signature', () => {
    const body = '{"text":"ä"}';
    const post = async (inject: InjectionDeclaration) => {
      endpoint.answer = (response, { headers }) => response.end(JSON.stringify(headers));
      const answer = await sendOutbound({
        url: `${endpoint.url}/v1/a%20b?q=1&a=2`,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-custom': 'c' },
        body,
        internal: true,
        timeoutMs: 2_000,
        responseBytesMax: 10_000,
        credential: await setup(inject).lease(endpoint.url),
      });
      const [seen] = endpoint.seen;
      if (seen === undefined) throw new Error('nothing came');
      return { seen, answer };
    };
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

    it('is over the request that arrives: HMAC', async () => {
      const terms = { kind: 'hmac', header: 'x-sig', timeHeader: 'x-time', hash: 'sha256' } as const;
      const { seen, answer } = await post(terms);
      const signed = `${seen.headers['x-time'] as string}\n${seen.method}\n${seen.url}\n${sha256(seen.body)}`;
      const signature = hmac(SECRET, signed).toString('hex');
      expect(seen.headers['x-sig']).toBe(signature);
      expect(answer.echoed).toBe(true);
      expect(answer.body.toString()).not.toContain(signature);
    });

    it('is over the request that arrives: AWS Signature Version 4', async () => {
      const terms = {
        kind: 'aws-sigv4',
        accessKeyId: 'AKIDEXAMPLE12345',
        region: 'eu-west-1',
        service: 'execute-api',
      } as const;
      const { seen, answer } = await post(terms);
      const { authorization = '', 'x-amz-date': date } = seen.headers;
      const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? '';
      const canonical = names.split(';').map((name) => `${name}:${seen.headers[name] as string}\n`);
      const request = ['POST', '/v1/a%2520b', 'a=2&q=1', canonical.join(''), names, sha256(seen.body)].join('\n');
      const scope = `${(date as string).slice(0, 8)}/eu-west-1/execute-api/aws4_request`;
      const key = scope.split('/').reduce<string | Buffer>((made, part) => hmac(made, part), `AWS4${SECRET}`);
      const signature = hmac(key, `AWS4-HMAC-SHA256\n${date as string}\n${scope}\n${sha256(request)}`).toString('hex');
      expect(authorization).toContain(`Signature=${signature}`);
      expect(names).toContain('x-custom');
      expect(answer.body.toString()).not.toContain(signature);
    });
  });
});
