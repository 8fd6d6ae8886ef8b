import type { Fault } from '#writ/faults';
import type { RunningProcess } from '#writ/operator';
import { setTimeout as sleep } from 'node:timers/promises';
import { askHealth, type Health, whatIsMissing } from './readiness.js';
import { ServiceProcess, type ServiceSpec } from './service-process.js';

export interface SupervisorOptions {
  readonly services: readonly ServiceSpec[];
  readonly shards: number;
  /** The pools that every decision service must hear, as `pool.<kind>.<pool>`. */
  readonly pools: readonly string[];
  readonly onChange: () => void;
  readonly onNote: (line: string) => void;
  readonly onGaveUp: (fault: Fault) => void;
}

const LOOK_EVERY_MS = 40;

/** Runs the services of a deployment beside each other and knows when they can do their work together. */
export class Supervisor {
  readonly #services: readonly ServiceProcess[];
  /** Services found ready, by process: they are not asked again while the others start. */
  readonly #ready = new Map<number, Health>();

  constructor(private readonly options: SupervisorOptions) {
    const listener = { changed: options.onChange, note: options.onNote, gaveUp: options.onGaveUp };
    this.#services = options.services.map((spec) => new ServiceProcess(spec, listener));
  }

  /** Starts all at once. */
  start(): void {
    for (const service of this.#services) service.start();
  }

  get processes(): readonly RunningProcess[] {
    return this.#services.flatMap(({ process }) => (process === undefined ? [] : [process]));
  }

  /** Resolves with an empty list when a call can be decided and executed, or with what is missing when time is up. */
  async ready(withinMs: number, signal: AbortSignal): Promise<readonly string[]> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const missing = await this.#missing();
      if (missing.length === 0 || signal.aborted || performance.now() > deadline) return missing;
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Ends every service; resolves when no process is left. */
  async stop(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()));
  }

  /** SIGKILL, for somebody who does not want to wait. */
  kill(): void {
    for (const service of this.#services) service.kill();
  }

  async #missing(): Promise<readonly string[]> {
    const services = await Promise.all(
      this.#services.map(async ({ name, process }) => ({ name, health: process && (await this.#healthOf(process)) })),
    );
    return whatIsMissing(services, this.options.shards, this.options.pools);
  }

  async #healthOf({ pid, healthPort }: RunningProcess): Promise<Health | undefined> {
    const known = this.#ready.get(pid);
    if (known !== undefined || healthPort === null) return known;
    const health = await askHealth(healthPort);
    // What a decision service says goes on changing after it is ready: it takes shards and hears pools.
    if (health?.ready === true && health.shardsOwned === undefined) this.#ready.set(pid, health);
    return health;
  }
}
