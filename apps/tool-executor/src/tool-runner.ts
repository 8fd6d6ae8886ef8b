import type { Catalogue, CatalogueTool } from '#writ/catalogue';
import type { CommandBody } from '#writ/contracts';
import { type ActionRunner, type CredentialUse, type RunListener, type RunResult, timeLeftMs } from '#writ/execution';
import { Fault } from '#writ/faults';
import { CircuitBreaker } from './circuit-breaker.js';
import { llmCost } from './llm-cost.js';
import type { ToolKindRunner, ToolRun } from './ports.js';
import { withRetries } from './retries.js';
import { ToolGate } from './tool-gate.js';

interface ToolKindRunners {
  readonly http: ToolKindRunner;
  readonly mcp: ToolKindRunner;
  readonly function: ToolKindRunner;
  readonly command: ToolKindRunner;
}

/** Runs an approved `tool.call` by the kind of its tool. The tool must be the one that was decided on: name and digest. */
export class ToolRunner implements ActionRunner {
  readonly #gates = new Map<string, ToolGate>();
  readonly #breakers = new Map<string, CircuitBreaker>();

  constructor(
    private readonly catalogue: Catalogue,
    private readonly runners: ToolKindRunners,
    private readonly now: () => number = () => performance.now(),
  ) {
    for (const [name, { declaration }] of catalogue.tools) {
      const { concurrency, breaker } = declaration;
      if (concurrency !== undefined) this.#gates.set(name, new ToolGate(concurrency));
      if (breaker !== undefined) this.#breakers.set(name, new CircuitBreaker({ ...breaker, now }));
    }
  }

  /** Names of the tools whose service did not answer lately, so that it is not asked. */
  get openCircuits(): readonly string[] {
    return [...this.#breakers].flatMap(([name, breaker]) => (breaker.isOpen ? [name] : []));
  }

  async run(
    command: CommandBody,
    signal: AbortSignal,
    onCredential: (use: CredentialUse) => void,
    { onAttempt, onProgress }: RunListener,
  ): Promise<RunResult> {
    const tool = this.catalogue.tools.get(command.resource);
    if (tool === undefined) throw new Fault('COMMAND_TOOL_CHANGED', `the tool \`${command.resource}\` is gone`);
    if (tool.digest !== command.dig) {
      throw new Fault('COMMAND_TOOL_CHANGED', `the tool \`${command.resource}\` changed since the decision`);
    }
    signal.throwIfAborted();
    const { agent } = command;
    const { idempotent, retries } = tool.declaration;
    const work = () => {
      onAttempt();
      return this.#run(tool, { command, signal, onCredential, onProgress });
    };
    const gate = this.#gates.get(tool.name);
    const breaker = this.#breakers.get(tool.name);
    const attempt = breaker === undefined ? work : () => breaker.run(agent, work);
    const call = () =>
      withRetries(attempt, {
        ...retries,
        isIdempotent: idempotent,
        call: `${command.tenant}/${agent}/${command.call}`,
        withinMs: timeLeftMs(command, Date.now()),
        now: this.now,
        signal,
      });
    // The breaker hears of each try. A call that waits for its next one keeps its place in the gate: a tool that fails holds no more of
    // this executor than one that is slow.
    return gate === undefined ? call() : gate.pass(agent, signal, call);
  }

  async #run(tool: CatalogueTool, run: ToolRun): Promise<RunResult> {
    const { kind, llm } = tool.declaration;
    const result = await this.runners[kind].run(tool, run);
    if (llm === undefined) return result;
    // Read before anything is redacted or cut: what it costs is not said to the agent but put on record.
    return { ...result, llm: llmCost(result.output, llm, this.catalogue.config.llmPrices) };
  }
}
