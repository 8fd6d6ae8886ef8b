import type { McpServerDeclaration } from '#writ/catalogue';
import type { JsonObject } from '#writ/contracts';
import { killOnExit, killProcess, type Sandbox } from '#writ/containment';
import { Fault } from '#writ/faults';
import { Client, ProtocolError, SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { deferred } from './deferred.js';
import { listDefinitions, type ToolDefinitions } from './definitions.js';
import { StderrTail } from './stderr-tail.js';

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
  readonly sandbox: Pick<Sandbox, 'contain'>;
  /** Gives up starting it. */
  readonly signal: AbortSignal;
  /** Called when the server says that its tools changed, with what it offers now: nothing when it cannot be listed. */
  readonly onDefinitions: (definitions: ToolDefinitions) => void;
}

export type ConnectMcp = (options: McpConnectOptions) => Promise<McpConnection>;

// A server that does not know the newest revision may stay silent instead of refusing it.
const PROBE_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 20_000;
// Every tool's limit is smaller; a server that sends one longer line is ended.
const MESSAGE_BYTES_MAX = 4_194_304;
const END_WITHIN_MS = 1_000;

/**
 * Starts an MCP server as a child process, contained as it is declared, speaks to it over stdio and lists its tools. Throws
 * EXECUTOR_UNREACHABLE and EXECUTOR_NOT_CONTAINED.
 */
export async function connectMcpStdio(options: McpConnectOptions): Promise<McpConnection> {
  const { declaration, baseDirectory, onDefinitions, sandbox, signal } = options;
  const { command, args, env } = sandbox.contain({ ...declaration, cwd: baseDirectory }, declaration);
  // The SDK clears the environment but for PATH, HOME, USER, LOGNAME, SHELL and TERM: no secret of ours is inherited.
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    env: { ...env },
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
      // The SDK waits a moment between two, so a server that says it all the time is not listed all the time.
      listChanged: { tools: { onChanged: () => void listAgain() } },
    },
  );
  const listOptions = { timeoutMs: CONNECT_TIMEOUT_MS, signal };
  const listAgain = async () => onDefinitions(await listDefinitions(client, listOptions).catch(() => new Map()));
  const closed = deferred<string>();
  client.onclose = () => closed.resolve(stderr.text());
  try {
    await client.connect(transport, { timeout: CONNECT_TIMEOUT_MS, signal });
    const pid = transport.pid;
    const forget = pid === null ? () => {} : killOnExit(pid);
    void closed.promise.then(forget);
    // The SDK checks structured outputs against the schemas of this list; what is pinned is the one as it came.
    await client.listTools(undefined, { timeout: CONNECT_TIMEOUT_MS, signal });
    return {
      definitions: await listDefinitions(client, listOptions),
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

async function end(client: Client, pid: number | null): Promise<void> {
  // Closing stdin is what ends a well-behaved server; one that stays is killed.
  const timer = setTimeout(() => pid !== null && killProcess(pid), END_WITHIN_MS);
  await client.close().catch(() => {});
  clearTimeout(timer);
}
