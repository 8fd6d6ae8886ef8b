import type { CatalogueTool } from '#writ/catalogue';
import type { EntryBody } from '#writ/contracts';
import { Fault, messageOf } from '#writ/faults';
import type { ToolDefinitions } from '#writ/mcp';
import type { ToolLog } from './ports.js';

interface PinOptions {
  readonly log: ToolLog;
  /** Puts an entry on record. */
  readonly record: (body: EntryBody) => Promise<unknown>;
  /** Milliseconds, from any beginning. */
  readonly now: () => number;
}

interface McpTool {
  readonly name: string;
  readonly server: string;
  /** The name that the server knows it by. */
  readonly offeredAs: string;
}

// A server that changes a tool all the time would fill the ledger; that it is disabled is on record all the same.
const RECORDED_EVERY_MS = 60_000;

/**
 * Which MCP tools may run: those that their server offers with the definition that is pinned, in the configuration or else the first
 * that this process saw. Another definition disables a tool, on record, until the server offers the pinned one again.
 */
export class ToolPins {
  readonly #tools: readonly McpTool[];
  /** `sha256:…` of the definition that each tool must have, by the name of the tool in the catalogue. */
  readonly #pins = new Map<string, string>();
  /** Why a tool cannot be called now. A tool whose server has not answered yet is not in here. */
  readonly #disabled = new Map<string, Fault>();
  readonly #recordedAtMs = new Map<string, number>();

  constructor(
    tools: readonly CatalogueTool[],
    private readonly options: PinOptions,
  ) {
    this.#tools = tools.flatMap(({ name, declaration }) => {
      if (declaration.kind !== 'mcp') return [];
      if (declaration.definition !== undefined) this.#pins.set(name, declaration.definition);
      return [{ name, server: declaration.server, offeredAs: declaration.tool }];
    });
    const unpinned = this.#tools.flatMap(({ name }) => (this.#pins.has(name) ? [] : [name]));
    if (unpinned.length === 0) return;
    options.log.warn({ tools: unpinned }, 'tools have no pinned `definition`: the first that is seen counts');
  }

  /** Throws TOOL_DEFINITION_CHANGED, and EXECUTOR_UNREACHABLE when the server has no such tool. */
  assertUnchanged(tool: string): void {
    const fault = this.#disabled.get(tool);
    if (fault !== undefined) throw fault;
  }

  /** Names of the tools that cannot be called now, because their server lacks or changed them. */
  get disabled(): readonly string[] {
    return [...this.#disabled.keys()];
  }

  /** Judges what a server offers now: after each connection, and when it says that its tools changed. */
  compare(server: string, definitions: ToolDefinitions): void {
    for (const tool of this.#tools) {
      if (tool.server === server) this.#compareOne(tool, definitions.get(tool.offeredAs)?.hash);
    }
  }

  #compareOne({ name, server }: McpTool, offered: string | undefined): void {
    if (offered === undefined) {
      this.#disable(name, new Fault('EXECUTOR_UNREACHABLE', `the MCP server has no tool for \`${name}\``));
      return;
    }
    const pin = this.#pins.get(name) ?? offered;
    this.#pins.set(name, pin);
    if (pin === offered) {
      this.#disabled.delete(name);
      return;
    }
    this.#disable(
      name,
      new Fault('TOOL_DEFINITION_CHANGED', `the MCP server changed the definition of \`${name}\`: it is disabled`),
    );
    this.#record({ type: 'tool.definition.changed', tool: name, server, old: pin, new: offered });
  }

  #disable(tool: string, fault: Fault): void {
    if (this.#disabled.get(tool)?.code !== fault.code)
      this.options.log.error({ tool, code: fault.code }, fault.message);
    this.#disabled.set(tool, fault);
  }

  #record(entry: Extract<EntryBody, { type: 'tool.definition.changed' }>): void {
    const now = this.options.now();
    if (now - (this.#recordedAtMs.get(entry.tool) ?? -Infinity) < RECORDED_EVERY_MS) return;
    this.#recordedAtMs.set(entry.tool, now);
    // If the process dies here the tool is not on record as changed; the next one finds and records it when it connects.
    this.options.record(entry).catch((error: unknown) => {
      this.#recordedAtMs.delete(entry.tool);
      this.options.log.error({ tool: entry.tool, detail: messageOf(error) }, 'a changed tool could not be recorded');
    });
  }
}
