import type { Catalogue } from '#writ/catalogue';
import type { CommandBody } from '#writ/contracts';
import type { ActionRunner, CredentialUse, RunResult } from '#writ/execution';
import { Fault } from '#writ/faults';
import type { ToolKindRunner } from './ports.js';

interface ToolKindRunners {
  readonly http: ToolKindRunner;
  readonly mcp: ToolKindRunner;
  readonly function: ToolKindRunner;
}

/** Runs an approved `tool.call` by the kind of its tool. The tool must be the one that was decided on: name and digest. */
export class ToolRunner implements ActionRunner {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly runners: ToolKindRunners,
  ) {}

  async run(command: CommandBody, signal: AbortSignal, onCredential: (use: CredentialUse) => void): Promise<RunResult> {
    const tool = this.catalogue.tools.get(command.resource);
    if (tool === undefined) throw new Fault('COMMAND_TOOL_CHANGED', `the tool \`${command.resource}\` is gone`);
    if (tool.digest !== command.dig) {
      throw new Fault('COMMAND_TOOL_CHANGED', `the tool \`${command.resource}\` changed since the decision`);
    }
    signal.throwIfAborted();
    return this.runners[tool.declaration.kind].run(tool, { command, signal, onCredential });
  }
}
