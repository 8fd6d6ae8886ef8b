import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { makeCertificates } from '../../../test/harness/certificates.js';
import { sendOutbound } from './index.js';
import type { OutboundTls } from './tls.js';

const directory = mkdtempSync(join(tmpdir(), 'writ-tls-'));
const canMake = makeCertificates(directory);
afterAll(() => rmSync(directory, { recursive: true }));

// Skipped where there is no openssl 3: `apt-get install openssl`.
(canMake ? describe : describe.skip)('a destination with TLS', () => {
  let server: Server | undefined;
  let hits = 0;
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');

  afterEach(() => stop());

  async function stop(): Promise<void> {
    const stopping = server;
    server = undefined;
    stopping?.closeAllConnections();
    await new Promise((done) => (stopping === undefined ? done(undefined) : stopping.close(done)));
  }

  /** The status of an answer from a server with that certificate, or the code of the fault. */
  async function ask(
    tls: OutboundTls,
    { name = 'server', maxVersion = 'TLSv1.3' as SecureVersion } = {},
  ): Promise<unknown> {
    await stop();
    const listening = createServer(
      { cert: read(`${name}.pem`), key: read(`${name}.key`), maxVersion },
      (_, response) => {
        hits++;
        response.end('here');
      },
    );
    server = listening;
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
    const { port } = listening.address() as AddressInfo;
    const resolve = async () => [{ address: '127.0.0.1', family: 4 as const }];
    const url = `https://localhost:${port}/`;
    const limits = { internal: true, timeoutMs: 5_000, responseBytesMax: 1_000 };
    const answer = await sendOutbound({ url, method: 'GET', headers: {}, ...limits, resolve, tls }).catch(
      (thrown: unknown) => thrown,
    );
    return (answer as { status?: number; code?: string }).status ?? (answer as { code?: string }).code;
  }

  const pinOf = (name: string): string => {
    const key = new X509Certificate(read(`${name}.pem`)).publicKey.export({ type: 'spki', format: 'der' });
    return `sha256/${createHash('sha256').update(key).digest('base64')}`;
  };

  it('is reached when its certificate is trusted, for its name, and has a pinned key, and not one hop earlier', async () => {
    const ca = read('ca.pem');
    await expect(ask({})).resolves.toBe('EXECUTOR_UNREACHABLE');
    await expect(ask({ ca: read('other-ca.pem') })).resolves.toBe('EXECUTOR_UNREACHABLE');
    await expect(ask({ ca }, { name: 'elsewhere' })).resolves.toBe('EXECUTOR_UNREACHABLE');
    await expect(ask({ ca, pins: [pinOf('client')] })).resolves.toBe('EXECUTOR_UNREACHABLE');
    // The authority is not the server, whatever the server sends along.
    await expect(ask({ ca, pins: [pinOf('ca')] })).resolves.toBe('EXECUTOR_UNREACHABLE');
    // A pin makes no certificate trusted.
    await expect(ask({ pins: [pinOf('server')] })).resolves.toBe('EXECUTOR_UNREACHABLE');
    expect(hits).toBe(0);
    await expect(ask({ ca })).resolves.toBe(200);
    await expect(ask({ ca, pins: [pinOf('client'), pinOf('server')] })).resolves.toBe(200);
    expect(hits).toBe(2);
  });

  it('is not reached over a version of TLS that is older than it may be', async () => {
    const ca = read('ca.pem');
    const older = { maxVersion: 'TLSv1.2' as const };
    await expect(ask({ ca, minVersion: 'TLSv1.3' }, older)).resolves.toBe('EXECUTOR_UNREACHABLE');
    await expect(ask({ ca, minVersion: 'TLSv1.3' })).resolves.toBe(200);
    await expect(ask({ ca }, older)).resolves.toBe(200);
  });
});
