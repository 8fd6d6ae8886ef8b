import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Catalogue, CatalogueTool, McpToolDeclaration } from '#writ/catalogue';
import type { Sandbox } from '#writ/containment';
import type { EntryBody, Progress } from '#writ/contracts';
import type { RunResult } from '#writ/execution';
import { type ConnectMcp, connectMcp, type McpHttp } from '#writ/mcp';
import { type Clock, McpServer } from './mcp-server.js';
import { limitsOf, parseOutput } from './output.js';
import type { ToolKindRunner, ToolLog, ToolRun } from './ports.js';
import { ToolPins } from './tool-pins.js';

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, { signal, ref: false }).catch(() => {}),
};

interface McpToolOptions {
  readonly log: ToolLog;
  /** Puts an entry on record. */
  readonly record: (body: EntryBody) => Promise<unknown>;
  readonly sandbox: Pick<Sandbox, 'assertAllowed' | 'contain'>;
  readonly http: McpHttp;
  readonly connect?: ConnectMcp;
  readonly clock?: Clock;
}

/**
 * Runs the tools of MCP servers, one process or connection for each configured server. A tool runs only while its server offers it with the
 * definition that is pinned: the one in the configuration, or else the first that this process saw.
 */
export class McpToolRunner implements ToolKindRunner {
  readonly #servers = new Map<string, McpServer>();
  readonly #pins: ToolPins;
  readonly #tools: readonly CatalogueTool[];

  constructor(catalogue: Catalogue, options: McpToolOptions) {
    const { log, record, sandbox, http, connect = connectMcp, clock = SYSTEM_CLOCK } = options;
    this.#tools = [...catalogue.tools.values()].filter((tool) => tool.declaration.kind === 'mcp');
    this.#pins = new ToolPins(this.#tools, { log, record, now: clock.now });
    for (const [name, declaration] of Object.entries(catalogue.config.mcpServers)) {
      const server = new McpServer({
        name,
        declaration,
        baseDirectory: catalogue.baseDirectory,
        sandbox,
        http,
        connect,
        clock,
        log,
        onDefinitions: (definitions) => this.#pins.compare(name, definitions),
      });
      this.#servers.set(name, server);
    }
  }

  /** Starts every server that a tool needs. Resolves when each has been tried once; it does not fail when one does not start. */
  async start(): Promise<void> {
    const needed = new Set(this.#tools.map((tool) => serverOf(tool)));
    await Promise.all([...needed].map((name) => this.#servers.get(name)?.start()));
  }

  async run(tool: CatalogueTool, { command, signal, onCredential, onProgress }: ToolRun): Promise<RunResult> {
    const { declaration } = tool;
    assert(declaration.kind === 'mcp');
    const server = this.#servers.get(declaration.server);
    assert(server !== undefined);
    const connection = await server.connection(signal);
    await connection.refresh(signal);
    this.#pins.assertUnchanged(tool.name);
    const { timeoutMs, progress } = declaration;
    const { readBytesMax, cut } = limitsOf(declaration);
    const answer = await connection.call(declaration.tool, command.args, {
      signal,
      timeoutMs,
      onCredential,
      onProgress: onProgress && listenerFor(progress, onProgress),
    });
    const bytes = Buffer.from(JSON.stringify(answer));
    return { output: parseOutput(bytes, readBytesMax), bytes: bytes.length, ...cut(false) };
  }

  /** Names of the tools that cannot be called now, because their server lacks or changed them. */
  get disabledTools(): readonly string[] {
    return this.#pins.disabled;
  }

  /** Ends every server. */
  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }
}

/** What of it the declaration lets through; undefined: nothing, so that the server is not asked. */
function listenerFor(
  what: McpToolDeclaration['progress'],
  onProgress: (said: Progress) => void,
): ((said: Progress) => void) | undefined {
  switch (what) {
    case 'none':
      return undefined;
    case 'numbers':
      return ({ progress, total }) => onProgress({ progress, ...(total !== undefined && { total }) });
    case 'text':
      return onProgress;
  }
}

function serverOf(tool: CatalogueTool): string {
  assert(tool.declaration.kind === 'mcp');
  return tool.declaration.server;
}
