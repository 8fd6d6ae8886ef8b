import type { JsonObject } from '#writ/contracts';
import { credentialHeaders, readCatalogue, sourcesOf } from './index.js';

const ORIGIN = 'https://api.example';

function read(credential: JsonObject, more: JsonObject = {}) {
  const credentials = { api: { from: { env: 'X' }, origins: [ORIGIN], ...credential } };
  const text = JSON.stringify({ version: 1, ledger: 'test/default/0', credentials, ...more });
  return readCatalogue(text, { file: 'writ.yaml', baseDirectory: '/', environment: {} }).config.credentials;
}

const oauth = (more: JsonObject = {}): JsonObject => ({
  inject: { kind: 'oauth-client-credentials', tokenUrl: 'https://auth.example/token', clientId: 'writ', ...more },
});
const tool = (url: string, input: JsonObject): JsonObject => ({
  tools: { t: { kind: 'http', method: 'GET', url, credential: 'api', input } },
});

describe('the declaration of a credential', () => {
  it.each<[string, JsonObject, readonly string[]]>([
    ['nothing said', {}, ['authorization']],
    ['a header, as before', { header: 'X-Key', format: '{}' }, ['x-key']],
    ['a header', { inject: { kind: 'header', header: 'X-Key' } }, ['x-key']],
    ['a parameter', { inject: { kind: 'query', parameter: 'key' } }, []],
    ['Basic', { inject: { kind: 'basic', user: 'writ' } }, ['authorization']],
    ['an HMAC', { inject: { kind: 'hmac' } }, ['x-signature', 'x-signature-time']],
    [
      'SigV4',
      { inject: { kind: 'aws-sigv4', accessKeyId: 'AKIDEXAMPLE12345', region: 'eu-west-1', service: 's3' } },
      ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'],
    ],
    ['OAuth', oauth(), ['authorization']],
    ['a GitHub App', { inject: { kind: 'github-app', appId: '1', installationId: '2' } }, ['authorization']],
  ])('by %s keeps its headers for itself', (_case, credential, headers) => {
    const { api } = read(credential);
    expect(api && credentialHeaders(api)).toEqual(headers);
  });

  it('names every place that is read for it', () => {
    const exchange = oauth({ kind: 'oauth-token-exchange', clientSecret: { env: 'CLIENT' } });
    const { api } = read(exchange);
    expect(api && sourcesOf(api)).toEqual([{ env: 'X' }, { env: 'CLIENT' }]);
  });

  it.each<[string, JsonObject, string]>([
    ['both spellings', { header: 'x-key', inject: { kind: 'bearer' } }, 'and so do `header`'],
    ['a header that is none', { header: 'x key' }, 'no name of a header'],
    ['a header that is none', { inject: { kind: 'hmac', header: 'a:b' } }, 'no name of a header'],
    ['one header for two things', { inject: { kind: 'hmac', header: 'a', timeHeader: 'A' } }, 'no name of a header'],
    ['a user with a colon', { inject: { kind: 'basic', user: 'a:b' } }, 'without a colon'],
    ['a token endpoint without TLS', oauth({ tokenUrl: 'http://auth.example/token' }), 'must be https'],
    ['one elsewhere without TLS', oauth({ tokenUrl: 'http://10.0.0.1/token', internal: true }), 'must be https'],
    ['one here that is not internal', oauth({ tokenUrl: 'http://127.0.0.1/token' }), 'must be https'],
    ['one with a query', oauth({ tokenUrl: 'https://auth.example/token?a=1' }), 'without a query'],
    ['one with a user', oauth({ tokenUrl: 'https://a:b@auth.example/token' }), 'without a query'],
    ['one that is not canonical', oauth({ tokenUrl: 'https://AUTH.example/token' }), 'canonical'],
    ['one that is not canonical', oauth({ tokenUrl: 'https://auth.example/a/../token' }), 'canonical'],
    [
      'an API of GitHub without TLS',
      { inject: { kind: 'github-app', appId: '1', installationId: '2', api: 'http://github.example' } },
      'must be https',
    ],
    ['a path in place of an installation', { inject: { kind: 'github-app', appId: '1', installationId: '../2' } }, ''],
  ])('with %s is refused', (_case, credential, why) => {
    expect(() => read(credential)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(why) as string }) as Error,
    );
  });

  it('may have an endpoint on this machine without TLS', () => {
    expect(() => read(oauth({ tokenUrl: 'http://127.0.0.1:8080/token', internal: true }))).not.toThrow();
  });

  const from = (source: JsonObject): JsonObject => ({ from: source });
  const vault = (more: JsonObject = {}): JsonObject => ({
    secrets: {
      providers: { corp: { kind: 'vault', url: 'https://vault.example', auth: { token: { env: 'T' } }, ...more } },
    },
  });
  const crm = { provider: 'corp', path: 'team/crm', field: 'key' };
  it.each<[string, JsonObject, JsonObject, string]>([
    ['a provider that there is not', from(crm), {}, 'no provider `corp`'],
    ['a member that is not named', from({ provider: 'corp', path: 'team/crm' }), vault(), '`field`'],
    ['a path that leads elsewhere', from({ ...crm, path: 'team/../sys' }), vault(), '`..`'],
    ['a path with a query', from({ ...crm, path: 'team/crm?version=1' }), vault(), 'names with slashes'],
    ['a provider without TLS', from(crm), vault({ url: 'http://vault.example', internal: true }), 'must be https'],
    ['a provider with a path', from(crm), vault({ url: 'https://vault.example/v1' }), 'must be an origin'],
  ])('with %s is refused as a source', (_case, credential, more, why) => {
    expect(() => read(credential, more)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(why) as string }) as Error,
    );
  });

  it('may have a provider as its source', () => {
    expect(read(from(crm), vault())['api']?.from).toEqual(crm);
  });

  const query = { inject: { kind: 'query', parameter: 'key' } };
  it.each([
    ['in its URL', tool(`${ORIGIN}/?key=1`, {})],
    ['among its arguments', tool(`${ORIGIN}/`, { properties: { key: { type: 'string' } } })],
  ])('as a parameter is refused for a tool that has it %s', (_case, tools) => {
    expect(() => read(query, tools)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
    expect(() => read(query, tool(`${ORIGIN}/?k=1`, {}))).not.toThrow();
  });
});
