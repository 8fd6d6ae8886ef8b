import { createHash } from 'node:crypto';
import type { McpServerDeclaration } from '#writ/catalogue';
import { canonicalJson, type Json, type JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { Client, ProtocolError, SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { deferred } from './deferred.js';
import { StderrTail } from './stderr-tail.js';

/** SHA-256 (hex) of each tool definition of a server, by the name that the server gives it. */
export type ToolDefinitions = ReadonlyMap<string, string>;

interface McpCallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** One running MCP server that shook hands. */
export interface McpConnection {
  /** What it offered when it was connected. */
  readonly definitions: ToolDefinitions;
  /** Resolves with the last lines of its stderr when the process has ended, whoever ended it. */
  readonly closed: Promise<string>;
  /** The result's `content` and `structuredContent`. Throws Faults with EXECUTOR_* codes. */
  call(tool: string, args: JsonObject, options: McpCallOptions): Promise<JsonObject>;
  close(): Promise<void>;
}

export interface McpConnectOptions {
  readonly declaration: McpServerDeclaration;
  readonly baseDirectory: string;
  /** Gives up starting it. */
  readonly signal: AbortSignal;
  /** Called when the server says that its tools changed, with what it offers now. */
  readonly onDefinitions: (definitions: ToolDefinitions) => void;
}

export type ConnectMcp = (options: McpConnectOptions) => Promise<McpConnection>;

// A server that does not know the newest revision may stay silent instead of refusing it.
const PROBE_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 20_000;
// Every tool's limit is smaller; a server that sends one longer line is ended.
const MESSAGE_BYTES_MAX = 4_194_304;
const END_WITHIN_MS = 1_000;

/** Starts an MCP server as a child process, speaks to it over stdio and lists its tools. Throws EXECUTOR_UNREACHABLE. */
export async function connectMcpStdio(options: McpConnectOptions): Promise<McpConnection> {
  const { declaration, baseDirectory, onDefinitions, signal } = options;
  // The SDK clears the environment but for PATH, HOME, USER, LOGNAME, SHELL and TERM: no secret of ours is inherited.
  const transport = new StdioClientTransport({
    command: declaration.command,
    args: [...declaration.args],
    env: { ...declaration.env },
    cwd: baseDirectory,
    stderr: 'pipe',
    maxBufferSize: MESSAGE_BYTES_MAX,
  });
  const stderr = new StderrTail(transport.stderr);
  const client = new Client(
    { name: 'writ', version: '1' },
    {
      versionNegotiation: { mode: 'auto', probe: { timeoutMs: PROBE_TIMEOUT_MS } },
      // A server's own questions are not answered: nobody decided on them.
      inputRequired: { autoFulfill: false },
      listChanged: {
        tools: { onChanged: (error, tools) => onDefinitions(error === null && tools ? hashAll(tools) : new Map()) },
      },
    },
  );
  const closed = deferred<string>();
  client.onclose = () => closed.resolve(stderr.text());
  try {
    await client.connect(transport, { timeout: CONNECT_TIMEOUT_MS, signal });
    const pid = transport.pid;
    const forget = pid === null ? () => {} : killOnExit(pid);
    void closed.promise.then(forget);
    const { tools } = await client.listTools(undefined, { timeout: CONNECT_TIMEOUT_MS, signal });
    return {
      definitions: hashAll(tools),
      closed: closed.promise,
      call: (tool, args, callOptions) => call(client, { name: tool, arguments: { ...args } }, callOptions),
      close: () => end(client, pid),
    };
  } catch (error) {
    await end(client, transport.pid);
    const cause = new Error([error instanceof Error ? error.message : String(error), stderr.text()].join('; stderr: '));
    throw new Fault('EXECUTOR_UNREACHABLE', 'the MCP server did not start', { cause });
  }
}

async function call(
  client: Client,
  request: { readonly name: string; readonly arguments: Record<string, unknown> },
  { signal, timeoutMs }: McpCallOptions,
): Promise<JsonObject> {
  try {
    const result = await client.callTool(request, { signal, timeout: timeoutMs });
    // What an agent is told about a failure is also logged, so the text of the tool stays out of it.
    if (result.isError === true) throw new Fault('EXECUTOR_FAILED', 'the tool reported an error');
    const { content, structuredContent } = result;
    return { content, ...(structuredContent === undefined ? {} : { structuredContent }) } as unknown as JsonObject;
  } catch (error) {
    throw faultOf(error);
  }
}

/** The server's own words stay out: they are attacker-controlled, and a log holds no payload. */
function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof ProtocolError) {
    return new Fault('EXECUTOR_FAILED', `the MCP server refused the call with code ${error.code}`);
  }
  if (!(error instanceof SdkError)) return new Fault('EXECUTOR_FAILED', 'the MCP server could not be called');
  switch (error.code) {
    case SdkErrorCode.RequestTimeout:
      return new Fault('EXECUTOR_TIMEOUT', 'the tool did not answer in time');
    case SdkErrorCode.NotConnected:
      return new Fault('EXECUTOR_UNREACHABLE', 'the MCP server is not running');
    case SdkErrorCode.ConnectionClosed:
    case SdkErrorCode.SendFailed:
      return new Fault('EXECUTOR_FAILED', 'the MCP server ended before it answered');
    default:
      return new Fault('EXECUTOR_BAD_ANSWER', `the answer of the MCP server cannot be used (${error.code})`);
  }
}

function hashAll(tools: readonly { readonly name: string }[]): ToolDefinitions {
  return new Map(tools.map((tool) => [tool.name, hashDefinition(tool)]));
}

/** SHA-256 (hex) of the canonical form of a whole tool definition: description, schemas and annotations count. */
function hashDefinition(tool: unknown): string {
  const definition = JSON.parse(JSON.stringify(tool)) as Json;
  return createHash('sha256').update(canonicalJson(definition)).digest('hex');
}

async function end(client: Client, pid: number | null): Promise<void> {
  // Closing stdin is what ends a well-behaved server; one that stays is killed.
  const timer = setTimeout(() => kill(pid), END_WITHIN_MS);
  await client.close().catch(() => {});
  clearTimeout(timer);
}

const running = new Set<number>();

/** No server outlives this process, however it exits. Returns the function that takes the process off the list. */
function killOnExit(pid: number): () => void {
  if (running.size === 0) process.on('exit', killAll);
  running.add(pid);
  return () => {
    running.delete(pid);
    if (running.size === 0) process.off('exit', killAll);
  };
}

function killAll(): void {
  for (const pid of running) kill(pid);
}

function kill(pid: number | null): void {
  try {
    if (pid !== null) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
