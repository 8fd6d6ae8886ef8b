import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Agent, connectAgent } from '#writ/agent-sdk';
import { subjects } from '#writ/contracts';
import { deploymentPaths, readBusSeed, readProfile, readTrustBundle } from '#writ/deployment';
import { LedgerFollower, NatsBlockLog, type PlacedEntry } from '#writ/ledger-client';
import { type Bus, connectBus } from '#writ/nats';
import { Authority } from '#writ/signing';
import { stringify } from 'yaml';
import { packageRoot } from './package-root.js';

const READY_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 8_000;

export interface GatewayOptions {
  /** What writ.yaml says; version, ledger and a free port are added. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Policy files by name. */
  readonly policies: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  /** Null until the process is ready. */
  readonly healthPort: number | null;
}

/** The whole of Writ, started as `writ up` starts it, in a folder of its own. */
export class Gateway implements AsyncDisposable {
  readonly #agents: Agent[] = [];
  readonly #buses: Bus[] = [];

  private constructor(
    readonly directory: string,
    readonly url: string,
    private readonly supervisor: ChildProcess,
    private readonly log: () => string,
  ) {}

  static async start({ config, policies, env = {} }: GatewayOptions): Promise<Gateway> {
    const directory = await mkdtemp(join(tmpdir(), 'writ-test-'));
    const full = { version: 1, ledger: 'writ.test/default/2026', listen: { port: 0 }, ...config };
    await writeFile(join(directory, 'writ.yaml'), stringify(full));
    await mkdir(join(directory, 'policies'));
    for (const [name, text] of Object.entries(policies)) await writeFile(join(directory, 'policies', name), text);
    return Gateway.startIn(directory, env);
  }

  /** Starts over what an earlier gateway left in the folder. */
  static async startIn(directory: string, env: Readonly<Record<string, string>> = {}): Promise<Gateway> {
    const entry = join(packageRoot, 'bin', 'writ.js');
    if (!existsSync(join(packageRoot, 'dist'))) throw new Error('`npm run build` first: the processes run from dist/');
    const args = [entry, 'up', '--config', join(directory, 'writ.yaml'), '--data', join(directory, '.writ'), '--json'];
    const supervisor = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    supervisor.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-20_000)));
    const url = await readyUrl(supervisor, () => log);
    return new Gateway(directory, url, supervisor, () => log);
  }

  get paths() {
    return deploymentPaths(join(this.directory, '.writ'));
  }

  get pid(): number {
    return this.supervisor.pid ?? 0;
  }

  /** What the supervisor and the services said on stderr. */
  get stderr(): string {
    return this.log();
  }

  async processes(): Promise<readonly RunningProcess[]> {
    const text = await readFile(join(this.paths.runDir, 'status.json'), 'utf8');
    return (JSON.parse(text) as { processes: RunningProcess[] }).processes;
  }

  async pidOf(name: string): Promise<number> {
    const found = (await this.processes()).find((each) => each.name === name);
    if (found === undefined) throw new Error(`no process is called ${name}`);
    return found.pid;
  }

  async agent(name: string, options: Parameters<typeof connectAgent>[1] = {}): Promise<Agent> {
    const agent = await connectAgent(this.paths.profile(name), options);
    this.#agents.push(agent);
    return agent;
  }

  /** A bare connection with an agent's own key: what an attacker with that key has. */
  async bareAgent(name: string): Promise<Bus> {
    const { seed, inboxPrefix } = await readProfile(this.paths, name);
    return this.#keep(await connectBus({ servers: this.url, seed, user: name, inboxPrefix, onError: () => undefined }));
  }

  /** A connection with the key of a service or of the operator. */
  async service(user: string): Promise<Bus> {
    const { seed } = await readBusSeed(this.paths, user);
    const inboxPrefix = subjects.inboxPrefix(user);
    return this.#keep(await connectBus({ servers: this.url, seed, user, inboxPrefix, onError: () => undefined }));
  }

  #keep(bus: Bus): Bus {
    this.#buses.push(bus);
    return bus;
  }

  /** Everything that is in the ledger now, verified. */
  async ledger(): Promise<readonly PlacedEntry[]> {
    const bus = await this.service('operator');
    const authority = new Authority(await readTrustBundle(this.paths));
    const found: PlacedEntry[] = [];
    const follower = new LedgerFollower({
      blocks: new NatsBlockLog(bus, '$JS.API'),
      authority: () => authority,
      fromSeq: 1,
      pollMs: 50,
      onEntries: (entries) => found.push(...entries),
      onRejected: (seq, reason) => {
        throw new Error(`block ${seq}: ${reason}`);
      },
      onLost: (error) => {
        throw error;
      },
    });
    await follower.catchUp();
    await bus.close();
    return found;
  }

  /** Waits until the ledger has an entry like that. */
  async entry(matches: (placed: PlacedEntry) => boolean, withinMs = 20_000): Promise<PlacedEntry> {
    return eventually(async () => (await this.ledger()).find(matches), 'the entry', withinMs);
  }

  /** Runs the command line on this gateway's data directory. */
  cli(...args: readonly string[]): Promise<CliResult> {
    return runCli([...args, '--data', this.paths.dataDir]);
  }

  kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
    process.kill(pid, signal);
  }

  /** Stops everything and says with which status and how fast. The folder stays when it is to be started again. */
  async stop({ keep = false } = {}): Promise<{ readonly status: number | null; readonly ms: number }> {
    const startedMs = Date.now();
    await Promise.all(this.#agents.splice(0).map((agent) => agent.close().catch(() => undefined)));
    await Promise.all(this.#buses.splice(0).map((bus) => bus.close().catch(() => undefined)));
    if (this.supervisor.exitCode === null && this.supervisor.signalCode === null) {
      this.supervisor.kill('SIGTERM');
      await ended(this.supervisor);
    }
    if (!keep) await rm(this.directory, { recursive: true, force: true });
    return { status: this.supervisor.exitCode, ms: Date.now() - startedMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `writ` with the arguments, and a text on its standard input if there is one, and collects what it says. */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input?: string,
): Promise<CliResult> {
  const child = spawn(process.execPath, [join(packageRoot, 'bin', 'writ.js'), ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined).end(input);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}

/** Asks again and again until there is an answer. Throws when there is none in time. */
export async function eventually<T>(ask: () => Promise<T | undefined>, what: string, withinMs = 20_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function readyUrl(supervisor: ChildProcess, log: () => string): Promise<string> {
  if (supervisor.stdout === null) throw new Error('the supervisor has no output');
  const lines = createInterface({ input: supervisor.stdout });
  const timer = setTimeout(() => supervisor.kill('SIGTERM'), READY_WITHIN_MS);
  try {
    for await (const line of lines) {
      const event = JSON.parse(line) as { event?: string; url?: string };
      if (event.event === 'ready' && event.url !== undefined) return event.url;
    }
    throw new Error(`\`writ up\` ended before it was ready:\n${log()}`);
  } finally {
    clearTimeout(timer);
    lines.close();
    supervisor.stdout.resume();
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
}
