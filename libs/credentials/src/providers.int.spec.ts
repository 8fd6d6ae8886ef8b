import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import type { CredentialDeclaration, ProviderDeclaration } from '#writ/catalogue';
import { sendOutbound } from '#writ/outbound';
import { AwsV4Signer } from 'aws4fetch';
import { CredentialBroker, type CredentialUse } from './index.js';
import type { SendOwn } from './token-request.js';

const SERVICE = 'https://api.example';
const VALUE = 'crm-key-0123456789';
const ROOT = 'hvs.root-token-0123456789';
const LEASED = 'hvs.leased-token-9876543210';
const SECRET_ID = 'secret-id-5f2c91d0';
const ACCESS_KEY = 'AKIDEXAMPLE12345';
const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
interface Reply {
  readonly status: number;
  readonly body: unknown;
}
const reply = (status: number, body: unknown): Reply => ({ status, body });

/** Answers as HashiCorp describes Vault: KV version 2 under `secret`, tokens, AppRole. */
function vault(secrets: Record<string, Record<string, unknown>>, seen: Seen): Reply {
  const { method, path, headers, body } = seen;
  if (method === 'POST' && path === '/v1/auth/approle/login') {
    const { role_id, secret_id } = JSON.parse(body) as Record<string, string>;
    if (role_id !== 'writ' || secret_id !== SECRET_ID)
      return reply(400, { errors: [`invalid secret id ${secret_id}`] });
    return reply(200, { auth: { client_token: LEASED, lease_duration: 3600, renewable: true } });
  }
  const token = headers['x-vault-token'];
  if (token !== ROOT && token !== LEASED) return reply(403, { errors: ['permission denied'] });
  const data = secrets[path.replace('/v1/secret/data/', '')];
  if (method !== 'GET' || data === undefined) return reply(404, { errors: [] });
  return reply(200, { request_id: 'r', lease_id: '', data: { data, metadata: { version: 2, destroyed: false } } });
}

/** Answers as AWS describes Secrets Manager, to requests that the key has signed. */
async function secretsManager(secrets: Record<string, string>, seen: Seen): Promise<Reply> {
  const { authorization = '', 'x-amz-date': date, 'x-amz-target': target, host = '' } = seen.headers;
  const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? [];
  const signed = names.filter((name) => name !== 'host').map((name) => [name, String(seen.headers[name])] as const);
  const signer = new AwsV4Signer({
    method: seen.method,
    url: `http://${host}${seen.path}`,
    headers: Object.fromEntries(signed),
    body: seen.body,
    accessKeyId: ACCESS_KEY,
    secretAccessKey: SECRET_KEY,
    region: 'eu-west-1',
    service: 'secretsmanager',
    datetime: String(date),
  });
  if (authorization !== (await signer.authHeader())) return reply(400, { __type: 'InvalidSignatureException' });
  if (target !== 'secretsmanager.GetSecretValue') return reply(400, { __type: 'UnknownOperationException' });
  const { SecretId } = JSON.parse(seen.body) as { SecretId: string };
  const text = secrets[SecretId];
  return text === undefined
    ? reply(400, { __type: 'ResourceNotFoundException' })
    : reply(200, { ARN: 'arn', Name: SecretId, SecretString: text, VersionStages: ['AWSCURRENT'] });
}

describe('a provider of secrets', () => {
  const seen: Seen[] = [];
  const kv: Record<string, Record<string, unknown>> = {};
  const aws: Record<string, string> = {};
  let url = '';
  let broken: ((response: ServerResponse) => void) | undefined;
  const server = createServer((request, response) => void serve(request, response));
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = '', url: path = '', headers } = request;
    const asked = { method, path, headers, body: Buffer.concat(chunks).toString() };
    seen.push(asked);
    if (broken !== undefined) return broken(response);
    const { status, body } = path.startsWith('/v1/') ? vault(kv, asked) : await secretsManager(aws, asked);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    seen.length = 0;
    broken = undefined;
    kv['team/crm'] = { key: VALUE, other: 'x' };
    aws['team/crm'] = JSON.stringify({ key: VALUE });
    aws['plain'] = VALUE;
  });

  const token = () => withVault({ token: { env: 'TOKEN' } });
  const appRole = () => withVault({ roleId: 'writ', secretId: { env: 'SECRET_ID' }, method: 'approle' });
  const withVault = (auth: object) =>
    ({
      kind: 'vault',
      url,
      internal: true,
      cacheSeconds: 30,
      mount: 'secret',
      namespace: 'team',
      auth,
    }) as ProviderDeclaration;
  const withAws = () =>
    ({
      kind: 'aws-secrets-manager',
      url,
      internal: true,
      cacheSeconds: 30,
      region: 'eu-west-1',
      accessKeyId: ACCESS_KEY,
      secretAccessKey: { env: 'SECRET_KEY' },
    }) as ProviderDeclaration;

  function setup(provider: ProviderDeclaration, changes: { env?: object; path?: string; field?: string } = {}) {
    const env: Record<string, string> = { TOKEN: ROOT, SECRET_ID, SECRET_KEY, ...changes.env };
    let nowMs = Date.now();
    const from = { provider: 'corp', path: 'team/crm', field: 'key', ...changes };
    const record: CredentialDeclaration = { from, origins: [SERVICE], header: 'x-key', format: '{}' };
    const send: SendOwn = (request) => sendOutbound({ ...request, timeoutMs: 300 });
    const sources = { env: (name: string) => env[name], readFile: async () => '' };
    const ports = { send, nowMs: () => nowMs, providers: { corp: provider } };
    const broker = new CredentialBroker({ crm: record }, sources, ports);
    const uses: CredentialUse[] = [];
    const lease = () => broker.lease('crm', SERVICE, { onCredentialSent: (use) => uses.push(use) });
    const value = async () =>
      (await (await lease()).apply({ method: 'GET', url: `${SERVICE}/`, headers: {} })).headers['x-key'];
    return { lease, value, uses, env, pass: (ms: number) => (nowMs += ms) };
  }

  it('is Vault, with a token', async () => {
    const { value, uses } = setup(token());
    expect(await value()).toBe(VALUE);
    expect(seen).toMatchObject([
      { method: 'GET', path: '/v1/secret/data/team/crm', headers: { 'x-vault-namespace': 'team' } },
    ]);
    expect(uses).toEqual([{ name: 'crm', origin: url, echoed: false }]);
  });

  it('is Vault, after an AppRole login that serves until its token ends', async () => {
    const { value, pass } = setup(appRole());
    expect(await value()).toBe(VALUE);
    pass(31_000);
    expect(await value()).toBe(VALUE);
    pass(3_600_000);
    expect(await value()).toBe(VALUE);
    const paths = seen.map(({ path }) => path.split('/').at(-1));
    expect(paths).toEqual(['login', 'crm', 'crm', 'login', 'crm']);
  });

  it('is Vault, and a login is made again after its token was not taken', async () => {
    const { value, pass } = setup(appRole());
    await value();
    pass(31_000);
    broken = (response) => response.writeHead(403).end('{"errors":["permission denied"]}');
    await expect(value()).rejects.toMatchObject({ code: 'EXECUTOR_CREDENTIAL_REFUSED' });
    broken = undefined;
    expect(await value()).toBe(VALUE);
    expect(seen.filter(({ path }) => path.endsWith('login'))).toHaveLength(2);
  });

  it.each([
    ['a member of its JSON', { field: 'key' }],
    ['the whole text', { path: 'plain', field: undefined }],
  ])('is AWS Secrets Manager: %s, by a signed request', async (_case, changes) => {
    expect(await setup(withAws(), changes as { field?: string }).value()).toBe(VALUE);
    expect(seen).toHaveLength(1);
  });

  it('is asked again when its time is over, and the value before is still taken out of answers', async () => {
    const { lease, value, pass } = setup(token());
    await value();
    kv['team/crm'] = { key: 'another-value-4711' };
    expect(await value()).toBe(VALUE);
    expect(seen).toHaveLength(1);
    pass(30_000);
    expect(await value()).toBe('another-value-4711');
    expect((await lease()).scrubText(`${VALUE}, another-value-4711`).text).toBe('[credential:crm], [credential:crm]');
  });

  const answers = (status: number, text: string) => (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  };
  const quoting = JSON.stringify({ errors: [ROOT, LEASED, SECRET_ID, SECRET_KEY, VALUE] });
  it.each<[string, (response: ServerResponse) => void, string]>([
    ['403', answers(403, quoting), 'status 403'],
    ['404', answers(404, quoting), 'status 404'],
    ['503', answers(503, quoting), 'status 503'],
    ['nothing in time', () => undefined, 'EXECUTOR_TIMEOUT'],
    [
      'half an answer',
      (response) => response.writeHead(200, { 'content-length': '99' }).end('{', () => response.destroy()),
      'EXECUTOR_',
    ],
    ['what is no JSON', answers(200, `{"data":"${VALUE}`), 'answered with no'],
    ['another JSON', answers(200, JSON.stringify({ data: { key: VALUE } })), 'answered with no'],
    [
      'a redirect',
      (response) => response.writeHead(302, { location: 'https://evil.example/' }).end(),
      'EXECUTOR_REDIRECTED',
    ],
    ['more than an answer may have', answers(200, 'x'.repeat(70_000)), 'EXECUTOR_OUTPUT_TOO_LARGE'],
  ])('that answers %s gives no credential, and nothing of a secret is told', async (_case, how, why) => {
    for (const provider of [token(), appRole(), withAws()]) {
      broken = how;
      const fault: unknown = await setup(provider)
        .value()
        .catch((error: unknown) => error);
      expect(fault).toMatchObject({ code: 'EXECUTOR_CREDENTIAL_REFUSED', message: expect.stringContaining(why) });
      const shown = inspect(fault, { depth: 9, showHidden: true });
      for (const value of [ROOT, LEASED, SECRET_ID, SECRET_KEY, VALUE]) expect(shown).not.toContain(value);
    }
  });

  it.each<[string, () => ProviderDeclaration, { env?: object; path?: string; field?: string }, string]>([
    ['a wrong token', token, { env: { TOKEN: 'hvs.another-token' } }, 'status 403'],
    ['a wrong secret id', appRole, { env: { SECRET_ID: 'another-secret-id' } }, 'status 400 to the login'],
    ['a wrong key of AWS', withAws, { env: { SECRET_KEY: 'another-secret-key' } }, 'status 400'],
    ['a path that is not there', token, { path: 'team/none' }, 'status 404'],
    ['a path that is not there in AWS', withAws, { path: 'team/none' }, 'status 400'],
    ['a member that is not there', token, { field: 'constructor' }, 'no such text'],
    ['a member that is not there in AWS', withAws, { field: '__proto__' }, 'no such text'],
    ['a value that is too short', token, { field: 'other' }, 'fewer than 8'],
    ['no token of its own', token, { env: { TOKEN: undefined } }, 'has no value'],
  ])('gives no credential for %s', async (_case, provider, changes, why) => {
    await expect(setup(provider(), changes).value()).rejects.toMatchObject({
      code: 'EXECUTOR_CREDENTIAL_REFUSED',
      message: expect.stringContaining(why),
    });
  });
});
