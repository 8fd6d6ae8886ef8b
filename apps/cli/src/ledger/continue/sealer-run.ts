import { type Deployment, type RunningBus, startBus } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { healthOf } from '../../up/readiness.js';
import { ServiceProcess } from '../../up/service-process.js';
import { serviceSpecs } from '../../up/services.js';

/** What the sealer says of itself. */
const SealerHealth = z.object({
  ready: z.boolean(),
  /** The newest checkpoint that it shows. */
  head: z.object({ size: z.int().min(0) }).nullable(),
  /** Entries that the exporters' stream has. */
  handedOn: z.int(),
  /** The ledger that goes on, when this one has ended. */
  frozen: z.string().optional(),
  refusal: z.string().optional(),
});
export type SealerHealth = Readonly<z.infer<typeof SealerHealth>>;

const WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** The bus of a deployment and its sealer, alone: no agent, no decision and no executor has a process to talk to. */
export class SealerRun {
  #fault: Fault | undefined;
  readonly #sealer: ServiceProcess;

  private constructor(
    private readonly bus: RunningBus,
    deployment: Deployment,
    configFile: string,
    note: (line: string) => void,
  ) {
    const specs = serviceSpecs(deployment.config, { configFile, paths: deployment.paths, url: bus.url });
    const spec = specs.find(({ name }) => name.startsWith('ledger-'));
    if (spec === undefined) throw new TypeError('a deployment has a sealer');
    this.#sealer = new ServiceProcess(spec, {
      changed: () => undefined,
      note,
      gaveUp: (fault) => (this.#fault = fault),
    });
    this.#sealer.start();
  }

  /** Starts both. Throws CONFIG_*. */
  static async start(
    deployment: Deployment,
    { binary, configFile, note }: { binary: string; configFile: string; note: (line: string) => void },
  ): Promise<SealerRun> {
    return new SealerRun(await startBus(deployment, { binary }), deployment, configFile, note);
  }

  get url(): string {
    return this.bus.url;
  }

  /**
   * Waits until what the sealer says holds. `what` ends the sentence when it does not in time: LEDGER_UNAVAILABLE. Throws LEDGER_INTEGRITY
   * when it signs nothing, and what it ended with.
   */
  async until(what: string, holds: (health: SealerHealth) => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + WITHIN_MS;
    for (;;) {
      if (this.#fault !== undefined) throw this.#fault;
      const health = await this.#health();
      if (health?.refusal !== undefined)
        throw new Fault('LEDGER_INTEGRITY', `the sealer signs nothing: ${health.refusal}`);
      if (health !== undefined && (await holds(health))) return;
      if (performance.now() > deadline)
        throw new Fault('LEDGER_UNAVAILABLE', `the log is not ${what} in time: run this again`);
      await sleep(LOOK_EVERY_MS);
    }
  }

  async stop(): Promise<void> {
    await this.#sealer.stop();
    await this.bus.stop();
  }

  async #health(): Promise<SealerHealth | undefined> {
    const port = this.#sealer.process?.healthPort;
    return port === undefined || port === null ? undefined : SealerHealth.safeParse(await healthOf(port)).data;
  }
}
