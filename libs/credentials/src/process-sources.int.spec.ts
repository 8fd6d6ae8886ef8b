import { SecretStore } from '#writ/secrets';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CredentialBroker, type LeasedCredential, processSources } from './index.js';

const headersOf = async (credential: LeasedCredential) =>
  (await credential.apply({ method: 'GET', url: 'https://a.example/', headers: {} })).headers;

describe('processSources', () => {
  it('reads a file beside the configuration, anew for every lease', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-credentials-'));
    try {
      const record = { from: { file: 'token' }, origins: ['https://a.example'], header: 'x-key', format: '{}' };
      const broker = new CredentialBroker({ key: record }, processSources(directory));
      await writeFile(join(directory, 'token'), 'first-value\n');
      expect(await headersOf(await broker.lease('key', 'https://a.example'))).toEqual({ 'x-key': 'first-value' });
      await writeFile(join(directory, 'token'), 'second-value\n');
      expect(await headersOf(await broker.lease('key', 'https://a.example'))).toEqual({ 'x-key': 'second-value' });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('reads the store, anew for every lease, and knows the value before a rotation in an answer', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-credentials-'));
    try {
      const store = new SecretStore({ file: join(directory, 'secrets.json'), identity: join(directory, 'id.age') });
      const record = { from: { secret: 'key' }, origins: ['https://a.example'], header: 'x-key', format: '{}' };
      const broker = new CredentialBroker({ key: record }, processSources(directory, store));
      const lease = () => broker.lease('key', 'https://a.example');
      await expect(lease()).rejects.toMatchObject({ code: 'EXECUTOR_CREDENTIAL_REFUSED' });
      const now = new Date();
      await store.set('key', 'first-value', now);
      expect(await headersOf(await lease())).toEqual({ 'x-key': 'first-value' });
      await store.rotate('key', 'second-value', { now, keepUntil: new Date(now.getTime() + 60_000) });
      const rotated = await lease();
      expect(await headersOf(rotated)).toEqual({ 'x-key': 'second-value' });
      expect(rotated.scrubText('first-value, second-value').text).toBe('[credential:key], [credential:key]');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('reads the environment', () => {
    expect(processSources().env('PATH')).toBe(process.env['PATH']);
  });
});
