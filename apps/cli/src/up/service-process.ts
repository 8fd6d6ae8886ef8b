import { Fault, FAULTS, type FaultCode } from '#writ/faults';
import type { RunningProcess } from '#writ/operator';
import { type ChildProcess, fork } from 'node:child_process';
import { EXIT } from '../exit-codes.js';
import { ServiceLog } from './service-log.js';

/** One service of a deployment, as its process is started. */
export interface ServiceSpec {
  readonly name: string;
  /** The module that the process runs. */
  readonly module: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly logFile: string;
}

export interface ServiceListener {
  /** The process started, became ready, or ended. */
  changed(): void;
  /** Something that people should see. */
  note(line: string): void;
  /** The service cannot run: it says that it must not start, or it does not get as far as being ready. */
  gaveUp(fault: Fault): void;
}

const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 5_000;
/** A process that ran for this long was healthy: when it dies, the next one comes at once. */
const HEALTHY_MS = 30_000;
const START_ATTEMPTS_MAX = 3;
const KILL_AFTER_MS = 3_300;

/**
 * Keeps the process of one service running: starts it, starts it again when it ends, with pauses that double, and stops it.
 * The process ends by itself when this one dies, because its IPC channel closes.
 */
export class ServiceProcess {
  readonly name: string;
  readonly #log: ServiceLog;
  #child: ChildProcess | undefined;
  #healthPort: number | null = null;
  #startedMs = 0;
  #pauseMs = RESTART_FIRST_MS;
  #failedStarts = 0;
  #wasReady = false;
  #isStopping = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(
    private readonly spec: ServiceSpec,
    private readonly listener: ServiceListener,
  ) {
    this.name = spec.name;
    this.#log = new ServiceLog(spec.logFile, (line) => listener.note(`${spec.name}: ${line}`));
  }

  /** The process as the status shows it; undefined while there is none. */
  get process(): RunningProcess | undefined {
    const pid = this.#child?.pid;
    return pid === undefined ? undefined : { name: this.name, pid, healthPort: this.#healthPort };
  }

  start(): void {
    this.#startedMs = performance.now();
    this.#healthPort = null;
    this.#log.forget();
    const child = fork(this.spec.module, [], {
      env: this.spec.environment,
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    if (child.stdout !== null) this.#log.follow(child.stdout);
    if (child.stderr !== null) this.#log.follow(child.stderr);
    child.on('message', (message) => this.#take(message));
    child.once('error', () => undefined);
    // `close`, not `exit`: by then everything that the process wrote was read.
    child.once('close', (code, signal) => this.#ended(code, signal));
    this.listener.changed();
  }

  /** SIGTERM, and SIGKILL for a process that takes too long. Resolves when there is none. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child !== undefined) {
      const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      await closed;
      clearTimeout(force);
    }
    this.#log.close();
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #take(message: unknown): void {
    const { ready, healthPort } = message as { readonly ready?: unknown; readonly healthPort?: unknown };
    if (ready !== true || typeof healthPort !== 'number') return;
    this.#healthPort = healthPort;
    this.#wasReady = true;
    this.#failedStarts = 0;
    this.listener.changed();
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = undefined;
    this.#healthPort = null;
    if (this.#isStopping) return;
    this.listener.changed();
    const how = signal ?? `exit ${code}`;
    if (code === EXIT.config) {
      this.listener.gaveUp(this.#reason(how));
      return;
    }
    this.#failedStarts += 1;
    if (!this.#wasReady && this.#failedStarts >= START_ATTEMPTS_MAX) {
      this.listener.gaveUp(this.#reason(how));
      return;
    }
    this.#restartLater(how);
  }

  #restartLater(how: string): void {
    if (performance.now() - this.#startedMs > HEALTHY_MS) this.#pauseMs = RESTART_FIRST_MS;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, RESTART_MAX_MS);
    // A process that was killed had no time to say why.
    const last = how.startsWith('exit') ? this.#log.lastLines().at(-1) : undefined;
    const said = last === undefined ? '' : `; it said: ${last}`;
    this.listener.note(`${this.name}: ended (${how}), starts again in ${pauseMs} ms${said}`);
    this.#restart = setTimeout(() => this.start(), pauseMs);
  }

  /** What the process said before it ended: its own `CODE: sentence` when it gave one. */
  #reason(how: string): Fault {
    const lines = this.#log.lastLines();
    const said = lines.findLastIndex((line) => codeOf(line) !== undefined);
    const code = codeOf(lines[said] ?? '');
    if (code === undefined) {
      const tail = lines.map((line) => `\n  ${line}`).join('');
      return new Fault('INTERNAL', `the service \`${this.name}\` does not start (${how})${tail}`);
    }
    // The problems of policies stand on a line each, below the first.
    const sentence = [lines[said]?.slice(code.length + 2), ...lines.slice(said + 1)].join('\n').trimEnd();
    return new Fault(code, `${sentence} (service \`${this.name}\`)`);
  }
}

function codeOf(line: string): FaultCode | undefined {
  const code = /^([A-Z][A-Z0-9_]+): /.exec(line)?.[1];
  return code !== undefined && Object.hasOwn(FAULTS, code) ? (code as FaultCode) : undefined;
}
