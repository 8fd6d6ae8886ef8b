import { deploymentPaths, readSigningKey, readTrustBundle } from '#writ/deployment';
import { BlockWriter, NatsBlockLog } from '#writ/ledger-client';
import { ledgerMessages, openOperator, type Operator } from '#writ/operator';
import { Authority } from '#writ/signing';
import { Integrator, leafHashOfText, openCheckpoint, type TreeHead } from '#writ/tlog';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { startTestBus, type TestBus } from './bus.js';
import { packageRoot } from './package-root.js';

const LEDGER = 'test.example/default/0';
const OPERATOR = 'operator';
const ENTRIES = { 'ledger-1': 'ledger', 'ledger-2': 'ledger', 'siem-1': 'siem-exporter' } as const;
/** Starting takes a second of CPU, on a machine that others use too. */
const READY_WITHIN_MS = 60_000;

/** What the health page of the sealer says. */
export interface SealerHealth {
  readonly ready: boolean;
  readonly standby: boolean;
  /** Of a standby: the process that it waits for. */
  readonly owner?: number | null;
  readonly refusal?: string;
  readonly problem?: string;
  readonly waiting: number;
  readonly refusedMessages: Readonly<Record<string, number>>;
  readonly head: TreeHead | null;
  readonly isWitnessed?: boolean;
}

/** A witness for the configuration. */
export interface NamedWitness {
  readonly name: string;
  readonly vkey: string;
  readonly url: string;
}

/** The process of a sealer, as `writ up` starts it. */
export class SealerProcess {
  #healthPort: number | undefined;
  stderr = '';
  readonly #exit: Promise<number | string>;

  constructor(private readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr = (this.stderr + text).slice(-20_000)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stderr = (this.stderr + text).slice(-20_000)));
    child.on('message', (message: { healthPort?: number }) => (this.#healthPort = message.healthPort));
    this.#exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? -1)));
  }

  get isListening(): boolean {
    return this.#healthPort !== undefined;
  }

  /** Status or signal that it ended with. */
  get exit(): Promise<number | string> {
    return this.#exit;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async health(): Promise<SealerHealth> {
    const answer = await fetch(`http://127.0.0.1:${this.#healthPort}/readyz`);
    return (await answer.json()) as SealerHealth;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    if (this.isAlive) this.child.kill(signal);
    return this.#exit;
  }
}

/** A bus with the streams, a producer in the test, and the sealer alone as a process: the cheapest deployment that has a log. */
export class SealerHost implements AsyncDisposable {
  readonly #started: SealerProcess[] = [];
  #writer: Promise<BlockWriter> | undefined;
  #calls = 0;
  #isAway = false;
  /** Ends the attempts of writers whose connection is closed: they would go on for a quarter of a minute. */
  #ended = new AbortController();

  private constructor(
    readonly directory: string,
    private readonly more: Readonly<Record<string, unknown>>,
    private bus: TestBus,
  ) {}

  /** `more`: what else `writ.yaml` says, such as sinks. */
  static async start(witnesses: readonly NamedWitness[] = [], more: Record<string, unknown> = {}): Promise<SealerHost> {
    const directory = await mkdtemp(join(tmpdir(), 'writ-sealer-'));
    const agents = { a: { teams: ['red'] }, b: {} };
    const named = witnesses.length > 0 ? { witnesses, witnessQuorum: witnesses.length, ...more } : more;
    const config = { version: 1, ledger: LEDGER, listen: { port: 0 }, agents, ...named };
    await writeFile(join(directory, 'writ.yaml'), stringify(config));
    return new SealerHost(directory, named, await startBus(directory, named));
  }

  get paths() {
    return deploymentPaths(join(this.directory, 'data'));
  }

  /** Stops the server, lets the test change the disk, and starts the server over what is there then, on the same port. */
  async overStoppedBus(change: () => Promise<void>): Promise<void> {
    [this.#writer, this.#isAway] = [undefined, true];
    const port = Number(new URL(this.bus.url).port);
    await this.#closeBus();
    await change();
    this.bus = await startBus(this.directory, this.more, port);
    this.#isAway = false;
  }

  /** Kills the server and starts it again over what it left, on the same port. */
  async killBus(): Promise<void> {
    await this.bus.running.server.kill();
    await this.overStoppedBus(() => Promise.resolve());
  }

  /** A sealer that listens; it may refuse to sign, or stand by. */
  async sealer(
    env: Readonly<Record<string, string>> = {},
    instance: 'ledger-1' | 'ledger-2' = 'ledger-1',
  ): Promise<SealerProcess> {
    const sealer = this.spawn(env, instance);
    await until(() => sealer.isListening || !sealer.isAlive, 'the sealer', READY_WITHIN_MS);
    if (!sealer.isAlive) throw new Error(`the sealer ended:\n${sealer.stderr}`);
    return sealer;
  }

  /** A sealer, or another service, that was started a moment ago. */
  spawn(env: Readonly<Record<string, string>> = {}, instance: keyof typeof ENTRIES = 'ledger-1'): SealerProcess {
    const entry = join(packageRoot, 'dist', 'programs', `${ENTRIES[instance]}.js`);
    const child = spawn(process.execPath, [entry], {
      env: {
        ...process.env,
        WRIT_CONFIG: join(this.directory, 'writ.yaml'),
        WRIT_DATA: this.paths.dataDir,
        WRIT_INSTANCE: instance,
        WRIT_NATS_URL: this.bus.url,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const sealer = new SealerProcess(child);
    this.#started.push(sealer);
    return sealer;
  }

  /** Puts so many entries on record, as a decision service does. Rejects while the server is away. */
  async write(count: number): Promise<void> {
    if (this.#isAway) throw new Error('the server is away');
    const writer = await (this.#writer ??= this.#openWriter());
    const body = (n: number) => ({ type: 'agent.identity.issued', who: { agent: `a${n}` }, key: 'UABC' }) as const;
    await Promise.all(Array.from({ length: count }, () => writer.append(body(this.#calls++))));
  }

  connect(user: string) {
    return this.bus.connect(user);
  }

  /** Removes the beginning of the stream, as `writ up` does. Whoever wrote for the operator before opens a new chain. */
  trimLedger(firstSeq: number): Promise<number> {
    this.#writer = undefined;
    return this.bus.running.trimLedger(firstSeq);
  }

  /** A connection of people at the command line. */
  operator(): Promise<Operator> {
    this.#writer = undefined;
    return openOperator({ dataDir: this.paths.dataDir, url: this.bus.url });
  }

  async authority(): Promise<Authority> {
    return new Authority(await readTrustBundle(this.paths));
  }

  /** The trees that the stream says, by size, computed here from its messages. */
  async trees(): Promise<ReadonlyMap<number, string>> {
    const integrator = new Integrator(await this.authority());
    const roots = new Map<number, string>();
    const bus = await this.bus.connect('operator');
    for await (const message of ledgerMessages(new NatsBlockLog(bus, '$JS.API'))) {
      integrator.integrate(message);
      roots.set(integrator.size, integrator.root().toString('base64url'));
    }
    await bus.close();
    return roots;
  }

  /** Hash of every leaf that the stream says, in base64url. */
  async leafHashes(): Promise<readonly string[]> {
    const integrator = new Integrator(await this.authority());
    const hashes: string[] = [];
    const bus = await this.bus.connect('operator');
    for await (const message of ledgerMessages(new NatsBlockLog(bus, '$JS.API')))
      hashes.push(
        ...integrator.integrate(message).leaves.map(({ text }) => leafHashOfText(text).toString('base64url')),
      );
    await bus.close();
    return hashes;
  }

  /** The newest checkpoint, opened under the key of the log; undefined before the first. */
  async newest(): Promise<TreeHead | undefined> {
    const note = await readFile(join(this.paths.logDir, 'checkpoint'), 'utf8').catch(() => undefined);
    return note === undefined ? undefined : this.#open(note);
  }

  /** Every checkpoint that was ever shown, smallest first. */
  async checkpoints(): Promise<readonly TreeHead[]> {
    const folder = join(this.paths.logDir, 'checkpoints');
    const names = (await readdir(folder)).filter((name) => /^[0-9]+$/.test(name));
    const notes = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const heads = await Promise.all(notes.map((note) => this.#open(note)));
    return heads.toSorted((a, b) => a.size - b.size);
  }

  /** Waits until everything that is in the stream now is under a checkpoint. */
  async sealed(withinMs = 30_000): Promise<TreeHead> {
    const size = Math.max(0, ...(await this.trees()).keys());
    let head: TreeHead | undefined;
    await until(async () => ((head = await this.newest())?.size ?? 0) >= size, `a checkpoint of ${size}`, withinMs);
    return head as TreeHead;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((sealer) => sealer.end('SIGKILL')));
    await this.#closeBus();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #closeBus(): Promise<void> {
    this.#ended.abort();
    this.#ended = new AbortController();
    await this.bus[Symbol.asyncDispose]();
  }

  async #open(note: string): Promise<TreeHead> {
    const authority = await this.authority();
    return openCheckpoint(note, authority.ledger, authority.logKeys());
  }

  async #openWriter(): Promise<BlockWriter> {
    const { signal } = this.#ended;
    return BlockWriter.open({
      producer: OPERATOR,
      blocks: new NatsBlockLog(await this.bus.connect('operator'), '$JS.API'),
      key: await readSigningKey(this.paths.producerKey('operator')).then((key) => () => key),
      ledger: LEDGER,
      tenant: 'default',
      authority: await this.authority().then((authority) => () => authority),
      now: Date.now,
      sleep: (ms) => sleep(ms, undefined, { signal }),
    });
  }
}

function startBus(directory: string, more: Readonly<Record<string, unknown>>, port = 0): Promise<TestBus> {
  return startTestBus({ dataDir: join(directory, 'data'), config: { listen: { port }, ...more } });
}

/** Asks again and again until it is so. Throws when it is not in time. */
export async function until(ask: () => boolean | Promise<boolean>, what: string, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
