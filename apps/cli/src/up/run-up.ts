import { type Catalogue, loadCatalogue, policyFoldersOf } from '#writ/catalogue';
import { type Deployment, openDeployment, type RunningBus, startBus } from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import { findNatsServer } from '#writ/nats';
import {
  openOperator,
  recordedErasures,
  recordIdentities,
  recordSecrets,
  removeRunStatus,
  repeatErasures,
  type RunningProcess,
  writeRunStatus,
} from '#writ/operator';
import { secretPlace, SecretStore } from '#writ/secrets';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { PACKAGE_ROOT } from '../package-root.js';
import { Pruner } from './pruner.js';
import { poolSubjects, serviceSpecs } from './services.js';
import { StopRequest } from './stop-request.js';
import { Supervisor } from './supervisor.js';

export interface UpOptions {
  /** Absolute path of writ.yaml. */
  readonly config: string;
  readonly dataDir: string;
  readonly natsServer: string | undefined;
  readonly isJson: boolean;
}

const READY_WITHIN_MS = 60_000;
/** The server gets what the services leave of the five seconds in which everything ends. */
const BUS_STOP_MS = 1_300;

/**
 * Runs a deployment until a signal: nats-server and every service, each its own process. Prints one ready line when a call can
 * be decided and executed. Throws CONFIG_* and POLICY_* when it must not start; whatever happens, no process is left.
 */
export async function runUp(options: UpOptions, cli: Cli): Promise<number> {
  const startedMs = performance.now();
  const found = await findParts(options, cli);
  let run: Run | undefined;
  const stop = new StopRequest(() => run?.kill());
  try {
    const binary = await stop.orStop(found.binary);
    if (binary === undefined) return EXIT.ok;
    run = await Run.open({ ...options, catalogue: found.catalogue, binary }, { cli, stop });
    await run.start();
    if (!stop.signal.aborted) run.announce(Math.round(performance.now() - startedMs));
    const reason = await stop.requested;
    if ('fault' in reason) throw reason.fault;
    cli.note(`stopping (${reason.signal})`);
    return EXIT.ok;
  } finally {
    await run?.close();
    stop.close();
  }
}

/** The configuration is read before anything is touched; a server is looked for meanwhile. */
async function findParts(options: UpOptions, cli: Cli) {
  const env = { ...process.env, ...(options.natsServer !== undefined && { WRIT_NATS_SERVER: options.natsServer }) };
  const log = (line: string) => cli.note(`nats-server: ${line}`);
  const binary = findNatsServer({ env, packageRoot: PACKAGE_ROOT, log }).then((found) => found.binary);
  binary.catch(() => undefined);
  return { catalogue: await loadCatalogue(options.config, process.env), binary };
}

interface RunOptions extends UpOptions {
  readonly catalogue: Catalogue;
  readonly binary: string;
}

interface Outside {
  readonly cli: Cli;
  readonly stop: StopRequest;
}

/** A deployment that runs: its data directory, its bus, its services, and the file that says so. */
class Run {
  #statusWrites: Promise<void> = Promise.resolve();
  #isOver = false;
  readonly #supervisor: Supervisor;
  readonly #pruner: Pruner;

  private constructor(
    private readonly options: RunOptions,
    private readonly outside: Outside,
    private readonly deployment: Deployment,
    private readonly bus: RunningBus,
  ) {
    const { config, paths } = deployment;
    this.#pruner = new Pruner({ paths, config, bus, note: (line) => outside.cli.note(line) });
    this.#supervisor = new Supervisor({
      services: serviceSpecs(config, { configFile: options.config, paths, url: bus.url }),
      shards: config.shards,
      pools: poolSubjects(config),
      onChange: () => this.#writeStatus(),
      onNote: (line) => outside.cli.note(line),
      onGaveUp: (fault) => outside.stop.stop({ fault }),
    });
  }

  /** Takes the data directory and starts the bus. */
  static async open(options: RunOptions, outside: Outside): Promise<Run> {
    const { cli, stop } = outside;
    const deployment = await openDeployment({ dataDir: options.dataDir, config: options.catalogue.config });
    try {
      const bus = await startBus(deployment, {
        binary: options.binary,
        onExit: (reason) => stop.stop({ fault: new Fault('CONFIG_NOT_RUNNING', reason) }),
        onError: (error) => cli.note(`the agents could not be changed: ${messageOf(error)}`),
      });
      cli.note(`nats-server takes connections at ${bus.url}`);
      return new Run(options, outside, deployment, bus);
    } catch (error) {
      await deployment.close();
      throw error;
    }
  }

  /** Starts the services and resolves when they can work together, or when the end was asked for. */
  async start(): Promise<void> {
    const { stop, cli } = this.outside;
    if (stop.signal.aborted) return;
    await this.#repeatErasures();
    this.#supervisor.start();
    cli.note(`starting ${this.#supervisor.processes.map(({ name }) => name).join(', ')}`);
    const recorded = this.#recordChanges();
    const missing = await this.#supervisor.ready(READY_WITHIN_MS, stop.signal);
    await recorded;
    if (missing.length === 0) this.#pruner.start();
    if (missing.length === 0 || stop.signal.aborted) return;
    const why = missing.join(', ');
    stop.stop({ fault: new Fault('INTERNAL', `not ready after ${READY_WITHIN_MS / 1000} s: ${why}`) });
  }

  announce(ms: number): void {
    const { cli } = this.outside;
    const { url } = this.bus;
    const data = this.deployment.paths.dataDir;
    const processes = this.#processes();
    if (this.options.isJson) cli.print(JSON.stringify({ event: 'ready', url, data, processes, ms }));
    else cli.print(`writ is ready at ${url} in ${ms} ms: ${processes.length} processes, data in ${data}`);
  }

  kill(): void {
    this.#supervisor.kill();
    void this.bus.server.kill();
  }

  /** Services first, so that they can finish what is in flight; then the bus; then the data directory is free. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#pruner.stop();
    await this.#supervisor.stop();
    const force = setTimeout(() => void this.bus.server.kill(), BUS_STOP_MS);
    await this.bus.stop().finally(() => clearTimeout(force));
    await this.#statusWrites;
    await removeRunStatus(this.deployment.paths);
    await this.deployment.close();
  }

  /** Agents and secrets that changed while nothing ran, or agents in the configuration, are put on record now. */
  async #recordChanges(): Promise<void> {
    const { dataDir, catalogue } = this.options;
    const { baseDirectory, config } = catalogue;
    try {
      const operator = await openOperator({ dataDir, url: this.bus.url });
      const store = new SecretStore(secretPlace(config.secrets, { baseDirectory, dataDir }));
      await recordIdentities(operator)
        .then(() => recordSecrets(operator, store))
        .finally(() => operator.close());
    } catch (error) {
      // A ledger that is full must not keep an operator from starting and looking: everything is denied meanwhile.
      this.outside.cli.note(`the agents and secrets could not be recorded in the ledger: ${messageOf(error)}`);
    }
  }

  /** Keys that came back with a backup, or that an erasure which died left behind, are gone before anybody can ask for values. */
  async #repeatErasures(): Promise<void> {
    const operator = await openOperator({ dataDir: this.options.dataDir, url: this.bus.url });
    const recorded = () => recordedErasures(operator);
    const again = await repeatErasures({ keys: operator.dataKeys, recorded }).finally(() => operator.close());
    if (again > 0)
      this.outside.cli.note(`${again} data keys that the ledger says were erased were here, and are erased again`);
  }

  #processes(): readonly RunningProcess[] {
    return [{ name: 'nats-server', pid: this.bus.server.pid, healthPort: null }, ...this.#supervisor.processes];
  }

  #writeStatus(): void {
    const { paths } = this.deployment;
    const { config, catalogue } = this.options;
    this.#statusWrites = this.#statusWrites
      .then(async () => {
        if (this.#isOver) return;
        await writeRunStatus(paths, {
          url: this.bus.url,
          pid: process.pid,
          config,
          ...policyFoldersOf(catalogue),
          processes: [...this.#processes()],
        });
      })
      .catch((error: unknown) => this.outside.cli.note(`the status could not be written: ${messageOf(error)}`));
  }
}
