import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, readFile } from 'node:fs/promises';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { records } from '../exporter.fixture.js';
import type { Sink } from '../ports.js';
import { makeCertificates } from '../../../../test/harness/certificates.js';
import { eventually } from '../../../../test/harness/gateway.js';
import { httpsSink } from './https-sink.js';
import { relpSink } from './relp-sink.js';
import { syslogSink } from './syslog-sink.js';

const directory = mkdtempSync(join(tmpdir(), 'writ-tls-'));
const at = (file: string) => join(directory, file);
const RSP = '1 rsp 50 200 OK\nrelp_version=0\nrelp_software=x\ncommands=syslog\n';

const leafId = (index: number) => `01K0${String(index).padStart(22, '0')}`;

const canMake = makeCertificates(directory);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

// Skipped where there is no openssl 3: `apt-get install openssl`.
(canMake ? describe : describe.skip)('over TLS', () => {
  const servers: Server[] = [];
  const sinks: Sink[] = [];
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
    for (const server of servers.splice(0)) server.close();
  });

  interface Listening {
    readonly certificate?: string;
    readonly wantsClient?: boolean;
    readonly maxVersion?: 'TLSv1.1';
  }

  /** A receiver of that kind; what it got. */
  async function listen(kind: 'https' | 'syslog' | 'relp', how: Listening) {
    const { certificate = 'server', wantsClient = false, maxVersion } = how;
    const got: string[] = [];
    const options = {
      cert: await readFile(at(`${certificate}.pem`)),
      key: await readFile(at(`${certificate}.key`)),
      ...(wantsClient && { requestCert: true, rejectUnauthorized: true, ca: await readFile(at('ca.pem')) }),
      ...(maxVersion !== undefined && { maxVersion, minVersion: maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' }),
    };
    const server: Server =
      kind === 'https'
        ? createHttpsServer(options, (request, response) => {
            request.on('data', (chunk) => got.push(String(chunk))).on('end', () => response.writeHead(200).end());
          })
        : createServer(options, (socket) => {
            socket.on('error', () => undefined);
            socket.on('data', (chunk) => {
              got.push(String(chunk));
              if (kind === 'relp') socket.write(answerTo(String(chunk)));
            });
          });
    server.on('tlsClientError', () => undefined);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, got };
  }

  /** One message comes at a time here: the first opens the session. */
  function answerTo(frame: string): string {
    const [txnr = '', command = ''] = frame.split(' ');
    return command === 'open' ? RSP.replace('50', String(RSP.length - 10)) : `${txnr} rsp 6 200 OK\n`;
  }

  interface Trust {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
  }

  function sinkOf(kind: 'https' | 'syslog' | 'relp', port: number, tls: Trust): Sink {
    const stream = { host: '127.0.0.1', port, tls, timeoutMs: 2_000, hostName: 'h' };
    const http = { url: `https://127.0.0.1:${port}/`, gzip: false, timeoutMs: 2_000, format: 'raw' as const };
    const sink =
      kind === 'https'
        ? httpsSink({ ...http, caFile: tls.caFile })
        : kind === 'relp'
          ? relpSink(stream)
          : syslogSink(stream);
    sinks.push(sink);
    return sink;
  }

  const kinds = ['https', 'syslog', 'relp'] as const;
  const trusted = { caFile: at('ca.pem') };

  it.each(kinds)('%s hands records to a receiver whose certificate the named authority signed', async (kind) => {
    const { port, got } = await listen(kind, {});
    await expect(sinkOf(kind, port, trusted).send(records(7, 1))).resolves.toEqual({ status: 'acknowledged' });
    // Of syslog nothing says that it arrived.
    await eventually(() => Promise.resolve(got.join('').includes(leafId(7)) || undefined), 'the record');
  });

  it.each(
    kinds.flatMap((kind): [typeof kind, string, Listening, Trust][] => [
      [kind, 'another authority signed', {}, { caFile: at('other-ca.pem') }],
      [kind, 'no authority of the system signed', {}, {}],
      [kind, 'is for another host', { certificate: 'elsewhere' }, trusted],
    ]),
  )('%s gives nothing to a receiver whose certificate %s', async (kind, _case, how, trust) => {
    const { port, got } = await listen(kind, how);
    await expect(sinkOf(kind, port, trust).send(records(0, 1))).rejects.toThrow();
    expect(got).toEqual([]);
  });

  it.each(['syslog', 'relp'] as const)('%s speaks no version below 1.2', async (kind) => {
    const { port, got } = await listen(kind, { maxVersion: 'TLSv1.1' });
    await expect(sinkOf(kind, port, trusted).send(records(0, 1))).rejects.toThrow();
    expect(got).toEqual([]);
  });

  it('relp shows its own certificate to a receiver that asks for one, and is not heard without', async () => {
    await chmod(at('client.key'), 0o600);
    const { port } = await listen('relp', { wantsClient: true });
    const own = { ...trusted, certFile: at('client.pem'), keyFile: at('client.key') };
    await expect(sinkOf('relp', port, own).send(records(0, 1))).resolves.toEqual({ status: 'acknowledged' });
    await expect(sinkOf('relp', port, trusted).send(records(0, 1))).rejects.toThrow();
  });
});
