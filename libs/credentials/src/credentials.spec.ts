import { inspect } from 'node:util';
import type { CredentialDeclaration } from '#writ/catalogue';
import * as fc from 'fast-check';
import { CredentialBroker, type LeasedCredential } from './index.js';

const VALUE = 'xoxb-12345/secret+token="<&>"\\end';
const ORIGIN = 'https://slack.example';
const TAG = '[credential:slack]';

const record = (changes: Partial<CredentialDeclaration> = {}): CredentialDeclaration => ({
  from: { env: 'SLACK_TOKEN' },
  origins: [ORIGIN],
  header: 'Authorization',
  format: 'Bearer {}',
  ...changes,
});

function broker(changes: Partial<CredentialDeclaration> = {}, value: string | undefined = VALUE): CredentialBroker {
  return new CredentialBroker(
    { slack: record(changes) },
    {
      env: (name) => (name === 'SLACK_TOKEN' ? value : undefined),
      readFile: async (path) => {
        if (path !== '/run/secrets/slack') throw new Error(`no ${path} holding ${VALUE}`);
        return `${VALUE}\n`;
      },
    },
  );
}

const request = (headers: Record<string, string> = {}) => ({ method: 'GET', url: `${ORIGIN}/v1?q=1`, headers });

const lease = (value = VALUE): Promise<LeasedCredential> => broker({}, value).lease('slack', ORIGIN);

describe('CredentialBroker', () => {
  it('leases a credential for an origin of its own record', async () => {
    const credential = await lease();
    await expect(credential.apply(request({ Accept: '*/*', AUTHORIZATION: 'Bearer mine' }))).resolves.toEqual({
      url: `${ORIGIN}/v1?q=1`,
      headers: { Accept: '*/*', authorization: `Bearer ${VALUE}` },
    });
    expect(credential).toMatchObject({ name: 'slack', origin: ORIGIN, headers: ['authorization'] });
  });

  it('takes `$` in a value as it is', async () => {
    const credential = await lease('pa$$word$&$1');
    await expect(credential.apply(request())).resolves.toMatchObject({
      headers: { authorization: 'Bearer pa$$word$&$1' },
    });
  });

  it('reads a value from a file without its last line break', async () => {
    const credential = await broker({ from: { file: '/run/secrets/slack' } }).lease('slack', ORIGIN);
    await expect(credential.apply(request())).resolves.toMatchObject({ headers: { authorization: `Bearer ${VALUE}` } });
  });

  it.each([
    ['another host', 'https://evil.example'],
    ['a subdomain', 'https://api.slack.example'],
    ['another port', 'https://slack.example:8443'],
    ['plaintext', 'http://slack.example'],
    ['nothing', ''],
    ['a file', 'file:///etc/passwd'],
  ])('refuses %s as origin', async (_case, origin) => {
    await expect(broker().lease('slack', origin)).rejects.toMatchObject({ code: 'EXECUTOR_CREDENTIAL_REFUSED' });
  });

  it('leases for a plaintext origin only where the record lists it', async () => {
    const origins = ['http://127.0.0.1:8080'];
    await expect(broker({ origins }).lease('slack', 'http://127.0.0.1:8080')).resolves.toMatchObject({ name: 'slack' });
    await expect(broker({ origins }).lease('slack', 'https://127.0.0.1:8080')).rejects.toMatchObject({
      code: 'EXECUTOR_CREDENTIAL_REFUSED',
    });
  });

  it.each<[string, CredentialBroker, string]>([
    ['is not declared', broker(), 'other'],
    ['has a prototype as its name', broker(), 'constructor'],
    [
      'has no value',
      new CredentialBroker({ slack: record() }, { env: () => undefined, readFile: async () => '' }),
      'slack',
    ],
    ['has too short a value', broker({}, 'short'), 'slack'],
    ['has a line break in its value', broker({}, 'long-enough\r\nx: y'), 'slack'],
    ['has a file that cannot be read', broker({ from: { file: '/nowhere' } }), 'slack'],
  ])('refuses a credential that %s', async (_case, from, name) => {
    const refused = from.lease(name, ORIGIN);
    await expect(refused).rejects.toMatchObject({ code: 'EXECUTOR_CREDENTIAL_REFUSED' });
    const fault: unknown = await refused.catch((thrown: unknown) => thrown);
    expect(inspect(fault, { depth: 9 })).not.toContain(VALUE);
  });

  it('shows the value of a lease to nobody who prints it', async () => {
    const credential = await lease();
    const shown = inspect(credential, { depth: 9, showHidden: true }) + JSON.stringify(credential) + String(credential);
    expect(shown).not.toContain(VALUE.slice(0, 10));
    expect(inspect(broker(), { depth: 9, showHidden: true })).not.toContain(VALUE.slice(0, 10));
  });
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const unicode = (text: string): string =>
  [...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

describe('LeasedCredential', () => {
  it.each<[string, (value: string) => string]>([
    ['as it is', (value) => value],
    ['as Bearer', (value) => `Bearer ${value}`],
    ['as Basic', (value) => `Basic ${base64(`user:${value}`)}`],
    ['as Basic with a longer user', (value) => `Basic ${base64(`users:${value}`)}`],
    ['as Basic with a yet longer user', (value) => `Basic ${base64(`users1:${value}`)}`],
    ['in base64url', (value) => Buffer.from(value).toString('base64url')],
    ['in a URL', encodeURIComponent],
    ['in a URL in lower case', (value) => encodeURIComponent(value).replaceAll(/%../g, (hex) => hex.toLowerCase())],
    ['in a URL with every letter escaped', (value) => Buffer.from(value).toString('hex').replaceAll(/../g, '%$&')],
    ['in JSON', JSON.stringify],
    ['in JSON with escaped slashes', (value) => JSON.stringify(value).replaceAll('/', '\\/')],
    ['in JSON as code points', unicode],
    ['in JSON in JSON', (value) => JSON.stringify(JSON.stringify(value))],
    ['in a URL in a URL', (value) => encodeURIComponent(encodeURIComponent(value))],
    ['in a URL in JSON', (value) => JSON.stringify({ at: `/?q=${encodeURIComponent(value)}` })],
    ['in HTML', html],
    ['in HTML by number', (value) => [...value].map((letter) => `&#${letter.charCodeAt(0)};`).join('')],
    ['in hex', (value) => Buffer.from(value).toString('hex')],
    ['in upper-case hex', (value) => Buffer.from(value).toString('hex').toUpperCase()],
    ['reversed', (value) => [...value].reverse().join('')],
    ['in base64 in lines', (value) => base64(`a long prefix, and then ${value}`).replaceAll(/.{16}/g, '$&\r\n')],
    ['spaced', (value) => [...value].join(' ')],
  ])('takes the value out of an answer that echoes it %s', async (_case, encode) => {
    const credential = await lease();
    const echoed = encode(VALUE);
    const { bytes, found } = credential.scrub(Buffer.from(`before ${echoed} after \u00e9`));
    expect(found).toBe(true);
    expect(bytes.toString()).toMatch(/^before .* after \u00e9$/s);
    expect(bytes.toString()).toContain(TAG);
    expect(bytes.toString()).not.toContain(echoed);
    expect(credential.scrubText(echoed).found).toBe(true);
  });

  it('knows the password inside a value that is base64 of user and password', async () => {
    const credential = await lease(base64('user:correct-horse'));
    expect(credential.scrubText('password correct-horse').text).toBe(`password ${TAG}`);
  });

  it('takes out every occurrence and keeps every other byte', async () => {
    const credential = await lease();
    const bytes = Buffer.concat([Buffer.from([0, 255, 128]), Buffer.from(VALUE + VALUE), Buffer.from([200, 0])]);
    const expected = Buffer.concat([Buffer.from([0, 255, 128]), Buffer.from(TAG + TAG), Buffer.from([200, 0])]);
    expect(credential.scrub(bytes).bytes.equals(expected)).toBe(true);
  });

  it('leaves an answer without the value as it is', async () => {
    const credential = await lease();
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.base64String()), (text) => {
        const bytes = Buffer.from(text);
        expect(credential.scrub(bytes)).toEqual({ bytes, found: false });
      }),
    );
  });

  it('finds the value in any mix of escapes', async () => {
    const credential = await lease();
    const escapes = [(c: string) => c, (c: string) => `%${c.charCodeAt(0).toString(16)}`];
    fc.assert(
      fc.property(fc.array(fc.nat(1), { minLength: VALUE.length, maxLength: VALUE.length }), (choices) => {
        const echoed = [...VALUE].map((letter, index) => escapes[choices[index] ?? 0]?.(letter) ?? letter).join('');
        expect(credential.scrubText(`<${echoed}>`).text).toBe(`<${TAG}>`);
      }),
    );
  });
});
