import { copyFile, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificates } from '../harness/certificates.js';
import { Collector, findCollector } from '../harness/collector.js';
import { freePort } from '../harness/free-port.js';
import { SealerHost, type SealerProcess, until } from '../harness/sealer-host.js';

const ROUNDS = 2;
const AT_ONCE = 20;
const PAUSE_MS = 50;
const WITHIN_MS = 60_000;
/** Small, so that a kill falls between any two batches. */
const BATCH_BYTES = 20_000;
const rsyslog = findCollector('rsyslog');

/** What the test reads of an OCSF event. */
interface Event {
  readonly metadata: { readonly sequence?: number };
  readonly unmapped: { readonly writ: { readonly leaf_hash?: string } };
}

/** A process that is started again whenever it ends, as a supervisor does. */
class Kept {
  #current: SealerProcess;
  #isOver = false;

  constructor(private readonly spawn: () => SealerProcess) {
    this.#current = this.#start();
  }

  kill(): void {
    this.#current.signal('SIGKILL');
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#current.end();
  }

  #start(): SealerProcess {
    const started = this.spawn();
    void started.exit.then(() => {
      if (!this.#isOver) this.#current = this.#start();
    });
    return started;
  }
}

// Without rsyslog it is the file alone, and `collectors.int.spec.ts` says so: `bash test/harness/fetch-collectors.sh`.
describe('the feed into a file and a real collector', () => {
  let scratch: string;
  let host: SealerHost;
  let collector: Collector | undefined;
  let services: { readonly sealer: Kept; readonly exporter: Kept };

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-killed-'));
    const lake = { name: 'lake', kind: 'file', path: join(scratch, 'log.ndjson'), batchBytesMax: BATCH_BYTES };
    const audit = await startCollector();
    host = await SealerHost.start([], { siem: { sinks: audit === undefined ? [lake] : [lake, audit] } });
    services = { sealer: new Kept(() => host.spawn()), exporter: new Kept(() => host.spawn({}, 'siem-1')) };
  }, 120_000);

  afterAll(async () => {
    await Promise.all([services?.sealer.end(), services?.exporter.end()]);
    await host?.[Symbol.asyncDispose]();
    await collector?.kill();
    await rm(scratch, { recursive: true, force: true });
  });

  /** A collector, and the sink that leads to it. */
  async function startCollector(): Promise<object | undefined> {
    if (rsyslog === undefined || !makeCertificates(scratch)) return undefined;
    const at = (file: string) => join(scratch, file);
    await mkdir(at('collector'));
    for (const file of ['ca.pem', 'server.pem', 'server.key']) await copyFile(at(file), at(`collector/${file}`));
    const port = await freePort();
    collector = new Collector(rsyslog, { kind: 'rsyslog', protocol: 'relp', directory: at('collector'), port });
    await collector.start();
    const tls = { caFile: at('ca.pem'), certFile: at('client.pem'), keyFile: at('client.key') };
    return { name: 'audit', kind: 'relp', host: '127.0.0.1', port, tls, batchBytesMax: BATCH_BYTES, timeoutMs: 2_000 };
  }

  /** What the file and the collector have by now, in the order in which they got it; whole lines alone. */
  async function feeds(): Promise<readonly (readonly Event[])[]> {
    const lake = await readFile(join(scratch, 'log.ndjson'), 'utf8').catch(() => '');
    const audit = await collector?.collected();
    const texts = [lake.split('\n').slice(0, -1), ...(audit === undefined ? [] : [audit.map(({ text }) => text)])];
    return texts.map((lines) =>
      lines.map((line) => JSON.parse(line) as Event).filter(({ metadata }) => metadata.sequence !== undefined),
    );
  }

  /** How much of it, in bytes: to read all of it again and again would be more work than the rest. */
  async function sizes(): Promise<readonly number[]> {
    const files = ['log.ndjson', ...(collector === undefined ? [] : ['collector/collected'])];
    const sizeOf = (file: string) =>
      stat(join(scratch, file)).then(
        ({ size }) => size,
        () => 0,
      );
    return Promise.all(files.map(sizeOf));
  }

  it('loses nothing and keeps the order when exporter, sealer, collector and nats-server are killed under load', async () => {
    const load = { isOver: false, isHeld: false, written: Promise.resolve() };
    const work = (async () => {
      // While the server is away there is nothing to write to, and nobody answers: what was half written is on record or not.
      for (; !load.isOver; await sleep(PAUSE_MS)) {
        if (load.isHeld) continue;
        load.written = Promise.race([host.write(AT_ONCE), sleep(1_000)]).catch(() => undefined);
        await load.written;
      }
    })();
    // Sealer and exporter are in the middle of work. This process is not: its bus client ends it when a server goes while it writes.
    const killBus = async () => {
      load.isHeld = true;
      await load.written;
      await host.killBus();
      load.isHeld = false;
    };
    const kills = [
      () => services.exporter.kill(),
      async () => {
        await collector?.kill();
        await collector?.start();
      },
      killBus,
      () => services.sealer.kill(),
    ];
    try {
      for (let round = 0; round < ROUNDS; round++) {
        for (const kill of kills) {
          const before = await sizes();
          const hasMoved = async () => (await sizes()).every((size, at) => size > (before[at] ?? 0));
          await until(hasMoved, 'progress in both', WITHIN_MS);
          await kill();
        }
      }
    } finally {
      load.isOver = true;
    }
    await work;
    const hashes = await host.leafHashes();
    const isWhole = async () => (await feeds()).every((events) => distinct(events).size >= hashes.length);
    await until(isWhole, `${hashes.length} leaves in both`, WITHIN_MS);
    expect(hashes.length).toBeGreaterThan(ROUNDS * AT_ONCE * kills.length);
    for (const events of await feeds()) {
      let most = -1;
      for (const { metadata, unmapped } of events) {
        const { sequence = -1 } = metadata;
        // Forward by one, or back to what was sent before: never over a hole.
        expect(sequence).toBeLessThanOrEqual(most + 1);
        most = Math.max(most, sequence);
        if (sequence < hashes.length) expect(unmapped.writ.leaf_hash).toBe(hashes[sequence]);
      }
    }
  }, 240_000);
});

function distinct(events: readonly Event[]): ReadonlySet<number | undefined> {
  return new Set(events.map(({ metadata }) => metadata.sequence));
}
