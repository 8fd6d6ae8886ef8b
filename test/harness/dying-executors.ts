import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from './package-root.js';
import { planOf, type Step } from './dying-step.js';

const PROGRAM = join(packageRoot, 'dist', 'test', 'programs', 'dying-executor.js');

/** Executors that are killed at steps of their work, and are started again, each with the keys of its instance. */
export class DyingExecutors implements AsyncDisposable {
  /** Calls at whose step a process was killed. */
  readonly killed = new Map<string, Step>();
  /** What ended otherwise than by its step, with what it said. */
  readonly problems: string[] = [];
  readonly #processes = new Map<string, ChildProcess>();
  readonly #ready = new Set<string>();
  #isOver = false;

  constructor(
    instances: readonly string[],
    private readonly env: Readonly<Record<string, string>>,
  ) {
    for (const instance of instances) this.#start(instance);
  }

  /** Processes that take commands now. */
  get readyCount(): number {
    return this.#ready.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    const ended = [...this.#processes.values()].map((child) => new Promise((resolve) => child.once('close', resolve)));
    for (const child of this.#processes.values()) child.kill('SIGKILL');
    await Promise.all(ended);
  }

  #start(instance: string): void {
    const child = spawn(process.execPath, [PROGRAM], {
      env: { ...process.env, ...this.env, WRIT_INSTANCE: instance, WRIT_LOG_LEVEL: 'error' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#processes.set(instance, child);
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)));
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    lines.on('line', (line) => {
      const [, call] = /^killed (\S+)$/.exec(line) ?? [];
      const plan = call === undefined ? undefined : planOf(call);
      if (call !== undefined && plan !== undefined) this.killed.set(call, plan.step);
      else said = `${said}${line}\n`.slice(-2_000);
    });
    child.once('message', () => this.#ready.add(instance));
    child.once('close', (code, signal) => {
      this.#ready.delete(instance);
      if (this.#isOver) return;
      if (signal !== 'SIGKILL') this.problems.push(`${instance} ended with ${signal ?? code}: ${said}`);
      this.#start(instance);
    });
  }
}
