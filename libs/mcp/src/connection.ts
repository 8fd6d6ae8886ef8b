import type { McpServerDeclaration } from '#writ/catalogue';
import type { JsonObject, Progress } from '#writ/contracts';
import type { Sandbox } from '#writ/containment';
import { Fault } from '#writ/faults';
import { Client } from '@modelcontextprotocol/client';
import { callTool, faultOf } from './call-tool.js';
import { deferred } from './deferred.js';
import { listDefinitions, type ToolDefinitions } from './definitions.js';
import { httpLink, type McpHttp } from './http-link.js';
import type { CallTerms, McpLink } from './link.js';
import { stdioLink } from './stdio-link.js';

interface McpCallOptions extends CallTerms {
  /** It is not extended by anything that the server says of its progress. */
  readonly timeoutMs: number;
  /** Called with what the server says of its progress, with numbers and a text of any size. Absent: the server is not asked to. */
  readonly onProgress?: ((said: Progress) => void) | undefined;
}

/** One MCP server that shook hands. */
export interface McpConnection {
  /** What it offered when it was connected. */
  readonly definitions: ToolDefinitions;
  /** Resolves when the server has ended or has to be connected again, whoever ended it: with its last words, or why. */
  readonly closed: Promise<string>;
  /** Lists the tools again when that was long ago, for a server that may be replaced without our hearing of it. Throws EXECUTOR_*. */
  refresh(signal: AbortSignal): Promise<void>;
  /** The result's `content` and `structuredContent`. Throws Faults with EXECUTOR_* codes. */
  call(tool: string, args: JsonObject, options: McpCallOptions): Promise<JsonObject>;
  close(): Promise<void>;
}

export interface McpConnectOptions {
  readonly declaration: McpServerDeclaration;
  readonly baseDirectory: string;
  readonly sandbox: Pick<Sandbox, 'contain'>;
  readonly http: McpHttp;
  /** Gives up starting it. */
  readonly signal: AbortSignal;
  /** Milliseconds, from any beginning. */
  readonly now: () => number;
  /** Called with what it offers now: when it says that its tools changed, and when it was asked again. Nothing when it cannot be listed. */
  readonly onDefinitions: (definitions: ToolDefinitions) => void;
}

export type ConnectMcp = (options: McpConnectOptions) => Promise<McpConnection>;

// A server that does not know the newest revision may stay silent instead of refusing it.
const PROBE_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 20_000;
// Every tool's limit is smaller.
const MESSAGE_BYTES_MAX = 4_194_304;

/**
 * Connects an MCP server, a child process over stdio or a URL over Streamable HTTP, by the newest revision that both know, and lists its
 * tools. Throws EXECUTOR_UNREACHABLE and EXECUTOR_NOT_CONTAINED.
 */
export async function connectMcp(options: McpConnectOptions): Promise<McpConnection> {
  const { declaration } = options;
  const terms = { ...options, messageBytesMax: MESSAGE_BYTES_MAX };
  const link = 'url' in declaration ? httpLink(declaration, terms) : stdioLink(declaration, terms);
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
  const listOptions = { timeoutMs: CONNECT_TIMEOUT_MS, signal: options.signal };
  const listAgain = async () =>
    options.onDefinitions(await listDefinitions(client, listOptions).catch(() => new Map()));
  const closed = deferred<string>();
  client.onclose = () => closed.resolve(link.detail());
  try {
    await client.connect(link.transport, { timeout: CONNECT_TIMEOUT_MS, signal: options.signal });
    link.connected();
    // The SDK checks structured outputs against the schemas of this list; what is pinned is the one as it came.
    await client.listTools(undefined, { timeout: CONNECT_TIMEOUT_MS, signal: options.signal });
    const definitions = await listDefinitions(client, listOptions);
    return connectionOf({ client, link, closed: closed.promise }, definitions, options);
  } catch (error) {
    await link.end(client);
    const cause = new Error([error instanceof Error ? error.message : String(error), link.detail()].join('; stderr: '));
    throw new Fault('EXECUTOR_UNREACHABLE', 'the MCP server did not start', { cause });
  }
}

interface Connected {
  readonly client: Client;
  readonly link: McpLink;
  readonly closed: Promise<string>;
}

function connectionOf(
  { client, link, closed }: Connected,
  definitions: ToolDefinitions,
  { now, onDefinitions }: McpConnectOptions,
): McpConnection {
  let listedMs = now();
  const failed = (error: unknown): Fault => {
    // Whoever keeps it running connects it again.
    if (link.isLost(error)) void link.end(client);
    return faultOf(error);
  };
  return {
    definitions,
    closed,
    refresh: async (signal) => {
      if (now() - listedMs < link.definitionsForMs) return;
      // At once, so that calls that come together ask once.
      listedMs = now();
      try {
        onDefinitions(await listDefinitions(client, { signal, timeoutMs: CONNECT_TIMEOUT_MS }));
      } catch (error) {
        listedMs = -Infinity;
        throw failed(error);
      }
    },
    call: async (tool, args, { signal, timeoutMs, onCredential, onProgress }) => {
      const ended = new AbortController();
      const terms = { signal: ended.signal, onCredential };
      const request = { name: tool, arguments: { ...args } };
      try {
        return await link.during(terms, () => callTool(client, request, { signal, timeoutMs, onProgress }));
      } catch (error) {
        throw failed(error);
      } finally {
        // Nothing of this call goes on, such as a stream that the server does not end.
        ended.abort();
      }
    },
    close: () => link.end(client),
  };
}
