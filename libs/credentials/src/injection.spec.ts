import { createHmac } from 'node:crypto';
import type { CredentialDeclaration } from '#writ/catalogue';
import { CredentialBroker } from './index.js';
import { asSigV4 } from './injection.js';

const ORIGIN = 'https://api.example';
const VALUE = 'pa$$&word+/=:%20"end';
const NOW_MS = Date.UTC(2026, 10, 23, 10, 0, 0);

async function inject(
  declared: CredentialDeclaration['inject'],
  request: { url?: string; headers?: Record<string, string>; method?: string; body?: string } = {},
) {
  const sources = { env: () => VALUE, readFile: async () => '' };
  const declaration = { from: { env: 'X' }, origins: [ORIGIN], inject: declared };
  const broker = new CredentialBroker({ api: declaration }, sources, { nowMs: () => NOW_MS });
  const credential = await broker.lease('api', ORIGIN);
  const given = { method: 'GET', url: `${ORIGIN}/v1/a%20b?q=1`, headers: { accept: '*/*' }, ...request };
  return { credential, injected: await credential.apply(given) };
}

describe('a credential goes into a request', () => {
  it('as a header', async () => {
    const { injected } = await inject({ kind: 'header', header: 'X-Key', format: 'k={}' });
    expect(injected).toEqual({ url: `${ORIGIN}/v1/a%20b?q=1`, headers: { accept: '*/*', 'x-key': `k=${VALUE}` } });
  });

  it('as a bearer token', async () => {
    const { injected } = await inject({ kind: 'bearer' }, { headers: { Authorization: 'Bearer mine' } });
    expect(injected.headers).toEqual({ authorization: `Bearer ${VALUE}` });
  });

  it('as Basic, and is taken out of an answer in that form too', async () => {
    const { injected, credential } = await inject({ kind: 'basic', user: 'writ' });
    const { authorization = '' } = injected.headers;
    expect(Buffer.from(authorization.slice(6), 'base64').toString()).toBe(`writ:${VALUE}`);
    expect(credential.scrubText(`you sent ${authorization}`).text).toContain('[credential:api]');
  });

  it.each([
    ['behind others', `${ORIGIN}/v1?q=1`, `${ORIGIN}/v1?q=1&key=`],
    ['as the first', `${ORIGIN}/v1`, `${ORIGIN}/v1?key=`],
    ['behind an empty query', `${ORIGIN}/v1?`, `${ORIGIN}/v1?key=`],
  ])('as a parameter of the query, %s', async (_case, url, expected) => {
    const { injected } = await inject({ kind: 'query', parameter: 'key' }, { url });
    expect(injected.url).toBe(`${expected}${encodeURIComponent(VALUE)}`);
    expect(new URL(injected.url).searchParams.get('key')).toBe(VALUE);
  });

  it.each(['key=mine', 'q=1&KEY=mine', 'q=1&k%65y=mine', 'key'])(
    'as a parameter of the query, and not beside one of the same name: %s',
    async (query) => {
      const request = inject({ kind: 'query', parameter: 'key' }, { url: `${ORIGIN}/v1?${query}` });
      await expect(request).rejects.toMatchObject({ code: 'EXECUTOR_CREDENTIAL_REFUSED' });
    },
  );

  it('as an HMAC over time, method, path with query, and body, which an answer may not quote', async () => {
    const terms = { kind: 'hmac', header: 'X-Signature', timeHeader: 'X-Time', hash: 'sha256' } as const;
    const { injected, credential } = await inject(terms, { method: 'POST', body: '{"a":1}' });
    const seconds = NOW_MS / 1000;
    // SHA-256 of {"a":1}
    const bodyHash = '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862';
    const signed = `${seconds}\nPOST\n/v1/a%20b?q=1\n${bodyHash}`;
    const signature = createHmac('sha256', VALUE).update(signed).digest('hex');
    expect(injected.headers).toEqual({ accept: '*/*', 'x-signature': signature, 'x-time': String(seconds) });
    expect(credential.scrubText(signature).found).toBe(true);
  });
});

describe('AWS Signature Version 4', () => {
  const example = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
    service: 'service',
    nowMs: () => Date.UTC(2015, 7, 30, 12, 36, 0),
  };

  it.each([
    // of aws-sig-v4-test-suite
    ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
  ])('gives the signature of %s', async (_case, method, path, signature) => {
    const { headers } = await asSigV4(example)({ method, url: `https://example.amazonaws.com${path}`, headers: {} });
    expect(headers).toEqual({
      'x-amz-date': '20150830T123600Z',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    });
  });

  it('signs the body for S3 as well, and the token of a session', async () => {
    const sign = asSigV4({ ...example, service: 's3', sessionToken: 'session-token-value' });
    const { headers } = await sign({
      method: 'PUT',
      url: 'https://b.s3.amazonaws.com/k',
      headers: {},
      body: '{"a":1}',
    });
    expect(headers).toMatchObject({
      'x-amz-content-sha256': '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862',
      'x-amz-security-token': 'session-token-value',
      authorization: expect.stringContaining('SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token'),
    });
  });
});
