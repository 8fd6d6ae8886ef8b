import { RecordMaker } from '#writ/siem';
import { fork } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOG_NAME, NO_REPLAYS, NO_TESTS } from '../../apps/siem-exporter/src/exporter.fixture.js';
import type { Sink } from '../../apps/siem-exporter/src/ports.js';
import { SinkLoop } from '../../apps/siem-exporter/src/sink-loop.js';
import { FileSink } from '../../apps/siem-exporter/src/sinks/file-sink.js';
import { hecSink } from '../../apps/siem-exporter/src/sinks/hec-sink.js';
import { httpsSink } from '../../apps/siem-exporter/src/sinks/https-sink.js';
import { otlpSink } from '../../apps/siem-exporter/src/sinks/otlp-sink.js';
import { relpSink } from '../../apps/siem-exporter/src/sinks/relp-sink.js';
import { SinkStateFile } from '../../apps/siem-exporter/src/state-file.js';
import { SealedStream } from './sealed-stream.js';

const ENTRIES = 60_000;
const WARM_UP = 6_000;
const BATCH_BYTES = 1_000_000;
const NEVER_MS = 1e12;

interface Speed {
  readonly entriesPerSecond: number;
  /** Of this process alone: nats-server and the receiver are others. */
  readonly cpuUsPerEntry: number;
}

export interface SiemRow extends Speed {
  readonly sink: 'file' | 'https' | 'splunk-hec' | 'otlp' | 'relp';
  readonly entries: number;
  readonly bytesPerEntry: number;
  /** The same bytes in the same batches, written and synced, or posted, by nothing but node. */
  readonly floor: Speed;
}

/** The exporter's own loop from SEALED on a server to each fast kind of sink, as OCSF: a file that is synced, and receivers on this machine. */
export async function benchSiem(say: (text: string) => void): Promise<readonly SiemRow[]> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-bench-siem-'));
  await using stream = await SealedStream.start(ENTRIES);
  const { url, relpPort, child } = await startReceiver();
  const floorFile = await floorToFile(join(directory, 'floor.ndjson'));
  const toHttp = (body: string) => post(url, body);
  const http = { url, gzip: true, timeoutMs: 30_000, format: 'ocsf' as const };
  const file = { path: join(directory, 'log.ndjson'), rotateBytes: NEVER_MS, rotateMs: NEVER_MS, now: Date.now };
  const hec = { ...http, indexerAck: true, channel: 'bench', ackWithinMs: 30_000, sleep: () => Promise.resolve() };
  const relp = { host: '127.0.0.1', port: relpPort, timeoutMs: 30_000, hostName: 'bench' };
  const sinks = [
    ['file', new FileSink(file), floorFile.write],
    ['https', httpsSink(http), toHttp],
    ['splunk-hec', hecSink(hec), toHttp],
    ['otlp', otlpSink(http), toHttp],
    ['relp', relpSink(relp), toHttp],
  ] as const;
  const rows: SiemRow[] = [];
  try {
    for (const [name, sink, floor] of sinks) {
      const measured = await row(name, { stream, sink, floor, directory });
      say(`${name}: ${measured.entriesPerSecond} entries/s, ${measured.cpuUsPerEntry} µs CPU an entry`);
      rows.push(measured);
    }
    return rows;
  } finally {
    await floorFile.close();
    child.kill();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Measured {
  readonly stream: SealedStream;
  readonly sink: Sink;
  readonly floor: (body: string) => Promise<void>;
  readonly directory: string;
}

async function row(name: SiemRow['sink'], { stream, sink, floor, directory }: Measured): Promise<SiemRow> {
  const stateFile = join(directory, `${name}.json`);
  await runLoop(stream, WARM_UP, { sink, stateFile });
  const speed = await measure(() => runLoop(stream, ENTRIES, { sink, stateFile }));
  // Once more for what the floor writes: kept while the loop is measured it would be collected at the cost of the loop.
  const batches: string[] = [];
  const keeping: Sink = {
    send: (records) => {
      batches.push(records.map(({ text }) => `${text}\n`).join(''));
      return Promise.resolve({ status: 'acknowledged' });
    },
    close: () => Promise.resolve(),
  };
  await runLoop(stream, ENTRIES, { sink: keeping, stateFile });
  const bytes = batches.reduce((sum, batch) => sum + Buffer.byteLength(batch), 0);
  const floorSpeed = await measure(async () => {
    for (const batch of batches) await floor(batch);
  });
  return { sink: name, entries: ENTRIES, ...speed, bytesPerEntry: Math.round(bytes / ENTRIES), floor: floorSpeed };
}

async function measure(run: () => Promise<void>): Promise<Speed> {
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  await run();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  return {
    entriesPerSecond: Math.round(ENTRIES / seconds),
    cpuUsPerEntry: Math.round((10 * (user + system)) / ENTRIES) / 10,
  };
}

/** Runs the product's loop over the first entries of the stream; resolves when the last of them is acknowledged. */
async function runLoop(stream: SealedStream, entries: number, to: { readonly sink: Sink; readonly stateFile: string }) {
  await using source = await stream.read(entries);
  const { sink, stateFile } = to;
  const loop = new SinkLoop({
    name: 'bench',
    sink,
    maker: new RecordMaker({ format: 'ocsf', version: '1.9.0' }),
    feed: source.feed,
    replays: NO_REPLAYS,
    tests: NO_TESTS,
    ledgers: () => ({ now: LOG_NAME, closed: [] }),
    state: await newState(stateFile),
    journal: () => Promise.reject(new Error('the benchmark has a gap')),
    deadLetters: () => Promise.reject(new Error('the receiver of the benchmark refuses')),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    batchBytesMax: BATCH_BYTES,
    heartbeatMs: NEVER_MS,
    now: Date.now,
    random: Math.random,
    sleep: () => Promise.resolve(),
  });
  loop.start();
  await Promise.race([source.acknowledged, loop.ended]);
  await loop.stop();
}

/** Of a sink that has nothing yet. */
async function newState(path: string): Promise<SinkStateFile> {
  await rm(path, { force: true });
  return SinkStateFile.open(path);
}

async function startReceiver() {
  const child = fork(new URL('./siem-receiver.js', import.meta.url));
  const ports = await new Promise<{ readonly http: number; readonly relp: number }>((resolve, reject) => {
    child.once('message', (message: { readonly http: number; readonly relp: number }) => resolve(message));
    child.once('exit', () => reject(new Error('the receiver of the benchmark did not start')));
  });
  return { url: `http://127.0.0.1:${ports.http}/`, relpPort: ports.relp, child };
}

async function floorToFile(path: string) {
  const file = await open(path, 'a');
  const write = async (body: string) => {
    await file.appendFile(body);
    await file.datasync();
  };
  return { write, close: () => file.close() };
}

async function post(url: string, body: string): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body });
  await answer.arrayBuffer();
}
