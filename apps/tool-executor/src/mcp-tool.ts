import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Catalogue, CatalogueTool } from '#writ/catalogue';
import type { RunResult } from '#writ/execution';
import { Fault } from '#writ/faults';
import { type ConnectMcp, connectMcpStdio, type ToolDefinitions } from './mcp-connection.js';
import { type Clock, McpServer } from './mcp-server.js';
import { parseOutput } from './output.js';
import type { ToolKindRunner, ToolLog, ToolRun } from './ports.js';

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, { signal, ref: false }).catch(() => {}),
};

interface McpToolOptions {
  readonly log: ToolLog;
  readonly connect?: ConnectMcp;
  readonly clock?: Clock;
}

/**
 * Runs the tools of MCP servers, one process for each configured server. A tool runs only while its server offers it with the
 * definition that is pinned: the one in the configuration, or else the first that this process saw.
 */
export class McpToolRunner implements ToolKindRunner {
  readonly #servers = new Map<string, McpServer>();
  /** Hash of the definition that each tool must have, by the name of the tool in the catalogue. */
  readonly #pins = new Map<string, string>();
  /** Why a tool cannot be called now. A tool whose server has not answered yet is not in here. */
  readonly #disabled = new Map<string, Fault>();
  readonly #tools: readonly CatalogueTool[];

  constructor(
    catalogue: Catalogue,
    private readonly options: McpToolOptions,
  ) {
    this.#tools = [...catalogue.tools.values()].filter((tool) => tool.declaration.kind === 'mcp');
    for (const [name, declaration] of Object.entries(catalogue.config.mcpServers)) {
      const server = new McpServer({
        name,
        declaration,
        baseDirectory: catalogue.baseDirectory,
        connect: options.connect ?? connectMcpStdio,
        clock: options.clock ?? SYSTEM_CLOCK,
        log: options.log,
        onDefinitions: (definitions) => this.#compare(name, definitions),
      });
      this.#servers.set(name, server);
    }
  }

  /** Starts every server that a tool needs. Resolves when each has been tried once; it does not fail when one does not start. */
  async start(): Promise<void> {
    const needed = new Set(this.#tools.map((tool) => serverOf(tool)));
    await Promise.all([...needed].map((name) => this.#servers.get(name)?.start()));
  }

  async run(tool: CatalogueTool, { command, signal }: ToolRun): Promise<RunResult> {
    const { declaration } = tool;
    assert(declaration.kind === 'mcp');
    const server = this.#servers.get(declaration.server);
    assert(server !== undefined);
    const connection = await server.connection(signal);
    const disabled = this.#disabled.get(tool.name);
    if (disabled !== undefined) throw disabled;
    const { timeoutMs, outputBytesMax } = declaration;
    const answer = await connection.call(declaration.tool, command.args, { signal, timeoutMs });
    const bytes = Buffer.from(JSON.stringify(answer));
    return { output: parseOutput(bytes, outputBytesMax), bytes: bytes.length };
  }

  /** Names of the tools that cannot be called now, because their server lacks or changed them. */
  get disabledTools(): readonly string[] {
    return [...this.#disabled.keys()];
  }

  /** Ends every server. */
  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }

  #compare(server: string, definitions: ToolDefinitions): void {
    for (const tool of this.#tools) {
      const { declaration } = tool;
      if (declaration.kind !== 'mcp' || declaration.server !== server) continue;
      const offered = definitions.get(declaration.tool);
      const pin = declaration.definition ?? this.#pins.get(tool.name);
      if (offered !== undefined && pin === undefined) this.#pins.set(tool.name, offered);
      const fault = problemOf(tool.name, offered, pin);
      if (fault === undefined) this.#disabled.delete(tool.name);
      else this.#disable(tool.name, fault, { server, offered, pin });
    }
  }

  #disable(tool: string, fault: Fault, fields: Record<string, unknown>): void {
    this.#disabled.set(tool, fault);
    this.options.log.error({ tool, code: fault.code, ...fields }, fault.message);
  }
}

function problemOf(tool: string, offered: string | undefined, pin: string | undefined): Fault | undefined {
  if (offered === undefined) return new Fault('EXECUTOR_UNREACHABLE', `the MCP server has no tool for \`${tool}\``);
  if (pin === undefined || pin === offered) return undefined;
  return new Fault('COMMAND_TOOL_CHANGED', `the MCP server changed the definition of \`${tool}\``);
}

function serverOf(tool: CatalogueTool): string {
  assert(tool.declaration.kind === 'mcp');
  return tool.declaration.server;
}
