import { mkdtempSync } from 'node:fs';
import { mkdir, copyFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordFormat } from '#writ/siem';
import { makeCertificates } from '../../../../test/harness/certificates.js';
import { Collector, type CollectorOptions, findCollector } from '../../../../test/harness/collector.js';
import { freePort } from '../../../../test/harness/free-port.js';
import { eventually } from '../../../../test/harness/gateway.js';
import { deliver } from '../deliver.js';
import { delivering, records } from '../exporter.fixture.js';
import type { Sink } from '../ports.js';
import { relpSink } from './relp-sink.js';
import { syslogSink } from './syslog-sink.js';

// Skipped where they are not: `bash test/harness/fetch-collectors.sh`. They run with the certificates of openssl.
const directory = mkdtempSync(join(tmpdir(), 'writ-collectors-'));
const hasCertificates = makeCertificates(directory);
const CERTIFICATES = ['ca.pem', 'server.pem', 'server.key', 'client.pem', 'client.key'];
const BATCH = 50;
const KILLS = 8;
const WITHIN_MS = 30_000;

let folders = 0;
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function started(kind: CollectorOptions['kind'], protocol: CollectorOptions['protocol']) {
  const installed = findCollector(kind);
  if (installed === undefined) throw new Error(`there is no ${kind}`);
  const folder = join(directory, String(folders++));
  await mkdir(folder);
  for (const file of CERTIFICATES) await copyFile(join(directory, file), join(folder, file));
  const port = await freePort();
  const collector = new Collector(installed, { kind, protocol, directory: folder, port });
  open.push(() => collector.kill());
  await collector.start();
  return { collector, port };
}

function sinkTo(protocol: CollectorOptions['protocol'], port: number, client = 'client'): Sink {
  const at = (file: string) => join(directory, file);
  const tls = { caFile: at('ca.pem'), certFile: at(`${client}.pem`), keyFile: at(`${client}.key`) };
  const stream = { host: '127.0.0.1', port, tls, timeoutMs: 5_000, hostName: 'writ.example' };
  const sink = protocol === 'relp' ? relpSink(stream) : syslogSink(stream);
  open.push(() => sink.close());
  return sink;
}

const areThere = hasCertificates && findCollector('rsyslog') !== undefined && findCollector('syslog-ng') !== undefined;
const COLLECTORS = [
  ['rsyslog', 'relp', 'ocsf'],
  ['rsyslog', 'relp', 'cef'],
  ['rsyslog', 'syslog', 'ocsf'],
  ['syslog-ng', 'syslog', 'ocsf'],
  ['syslog-ng', 'syslog', 'cef'],
] as const satisfies readonly (readonly [CollectorOptions['kind'], CollectorOptions['protocol'], RecordFormat])[];

(areThere ? describe : describe.skip).each(COLLECTORS)('a real %s over %s and TLS', (kind, protocol, format) => {
  it(`has every record as ${format}, in order and as it was sent`, async () => {
    const { collector, port } = await started(kind, protocol);
    const sink = sinkTo(protocol, port);
    const sent = records(0, 400, format);
    for (let at = 0; at < sent.length; at += BATCH)
      await expect(sink.send(sent.slice(at, at + BATCH))).resolves.toEqual({ status: 'acknowledged' });
    const all = async () => (await collector.collected()).length >= sent.length || undefined;
    await eventually(all, 'every record', WITHIN_MS);
    expect(await collector.collected()).toEqual(sent.map(({ index, text }) => ({ sequence: index, text })));
  }, 60_000);
});

(areThere ? describe : describe.skip)('a real rsyslog over RELP', () => {
  it('is given nothing by somebody whose certificate it does not know', async () => {
    const { collector, port } = await started('rsyslog', 'relp');
    await expect(sinkTo('relp', port, 'server').send(records(0, 1))).rejects.toThrow();
    expect(await collector.collected()).toEqual([]);
  }, 60_000);

  it('that is killed again and again has everything that it acknowledged, and the order is kept', async () => {
    const { collector, port } = await started('rsyslog', 'relp');
    const sink = sinkTo('relp', port);
    const { options } = delivering(sink);
    const load = { isOver: false };
    let next = 0;
    const work = (async () => {
      for (; !load.isOver; next += BATCH)
        await deliver(records(next, BATCH, 'ocsf'), {
          ...options,
          sleep: (_ms, signal) => sleep(50, undefined, { signal }),
        });
    })();
    for (let kill = 0; kill < KILLS; kill++) {
      const before = (await collector.collected()).length;
      // Killed while it takes records: not at the same moment of a batch each time.
      const has = async () => (await collector.collected()).length > before + 20 + 17 * kill || undefined;
      await eventually(has, 'progress', WITHIN_MS);
      await collector.kill();
      await collector.start();
    }
    load.isOver = true;
    await work;
    const sequences = (await collector.collected()).map(({ sequence }) => sequence);
    expect(options.counters.retries).toBeGreaterThan(0);
    expect(new Set(sequences).size).toBe(next);
    let most = -1;
    for (const sequence of sequences) {
      expect(sequence).toBeLessThanOrEqual(most + 1);
      most = Math.max(most, sequence);
    }
  }, 120_000);
});
