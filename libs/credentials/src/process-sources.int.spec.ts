import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CredentialBroker, processSources } from './index.js';

describe('processSources', () => {
  it('reads a file beside the configuration, anew for every lease', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-credentials-'));
    try {
      const record = { from: { file: 'token' }, origins: ['https://a.example'], header: 'x-key', format: '{}' };
      const broker = new CredentialBroker({ key: record }, processSources(directory));
      await writeFile(join(directory, 'token'), 'first-value\n');
      expect((await broker.lease('key', 'https://a.example')).apply({})).toEqual({ 'x-key': 'first-value' });
      await writeFile(join(directory, 'token'), 'second-value\n');
      expect((await broker.lease('key', 'https://a.example')).apply({})).toEqual({ 'x-key': 'second-value' });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('reads the environment', () => {
    expect(processSources().env('PATH')).toBe(process.env['PATH']);
  });
});
