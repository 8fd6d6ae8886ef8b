import type { Fault } from '#writ/faults';
import type { RunningProcess } from '#writ/operator';
import { setTimeout as sleep } from 'node:timers/promises';
import { askHealth, whatIsMissing } from './readiness.js';
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

const LOOK_EVERY_MS = 20;

/** Runs the services of a deployment beside each other and knows when they can do their work together. */
export class Supervisor {
  readonly #services: readonly ServiceProcess[];

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
      this.#services.map(async ({ name, process }) => {
        const port = process?.healthPort ?? null;
        return { name, health: port === null ? undefined : await askHealth(port) };
      }),
    );
    return whatIsMissing(services, this.options.shards, this.options.pools);
  }
}
