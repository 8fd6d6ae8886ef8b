import type { JsonObject } from '#writ/contracts';
import { join } from 'node:path';
import { z } from 'zod';
import { commandLine, type CommandLine } from './command-line.js';
import type { ExampleServices } from './environment.js';
import { exampleFolder } from './package-root.js';
import type { Report } from './report.js';
import { startRuntime, type Runtime } from './runtime.js';
import { addWitness, copyConfig } from './witnessed-config.js';
import { startWitness, type WitnessProcess } from './witness-process.js';

const PublicKeys = z.object({ log: z.string() });

interface StartStep {
  readonly name: string;
  readonly title: string;
  readonly run: (told: Report) => Promise<JsonObject>;
}

/** The first steps of the demonstration, which start what the others look at, and its end. */
export class Start {
  readonly #writ: CommandLine;
  readonly #data: string;
  #config = '';
  #witness: WitnessProcess | undefined;
  #runtime: Runtime | undefined;

  constructor(
    root: string,
    private readonly scratch: string,
    { variables }: ExampleServices,
  ) {
    this.#writ = commandLine(root, { ...variables, EXAMPLE_MODULES: join(root, 'node_modules') });
    this.#data = join(scratch, 'data');
  }

  /** In this order; one that does not hold leaves nothing for those after it. */
  readonly steps: readonly StartStep[] = [
    {
      name: 'witness',
      title: 'writ witness: the security team starts a witness of its own before the log has its first entry',
      run: (told) => this.#watch(told),
    },
    {
      name: 'start',
      title: 'writ up: nats-server and every service, each its own process',
      run: (told) => this.#up(told),
    },
  ];

  get witness(): WitnessProcess | undefined {
    return this.#witness;
  }

  get runtime(): Runtime | undefined {
    return this.#runtime;
  }

  /** Ends what was started, whatever happened. */
  async end(): Promise<void> {
    await this.#runtime?.end();
    await this.#witness?.end();
  }

  async #watch(told: Report): Promise<JsonObject> {
    this.#config = await copyConfig(exampleFolder(), this.scratch);
    const { stdout } = await this.#writ.runEndingWith(0, 'keys', ...this.#place, '--json');
    const { log } = PublicKeys.parse(JSON.parse(stdout));
    told.say(`$ writ keys   # the operator gives the security team the key of the log\n${log}`);
    const witness = await startWitness({
      writ: this.#writ,
      folder: join(this.scratch, 'security-team'),
      logVkey: log,
    });
    this.#witness = witness;
    told.say(`${witness.name} (pid ${witness.pid}) watches the log at ${witness.url}`);
    await addWitness(this.#config, witness);
    told.say(`writ.yaml names the witness:\n${witness.vkey}`);
    return { log, witness: witness.vkey };
  }

  async #up(told: Report): Promise<JsonObject> {
    const runtime = await startRuntime({ writ: this.#writ, config: this.#config, data: this.#data });
    this.#runtime = runtime;
    const processes = await runtime.processes();
    told.say(processes.map(({ name, pid }) => `${name} (pid ${pid})`).join('\n'));
    return { processes: processes.map(({ name }) => name) };
  }

  get #place(): readonly string[] {
    return ['--config', this.#config, '--data', this.#data];
  }
}
