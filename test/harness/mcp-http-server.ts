import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, type RegisteredTool } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** How often a tool says that it is at work, when it was asked to. */
const TICK_MS = 10;

type Respond = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A small MCP server over HTTP, made with the official SDK: of the current revision, or of the one before, with sessions. */
export class HttpTestServer {
  /** Method and session of each request, and what it was authorised by. */
  readonly seen: { method: string; session: string | undefined; authorization: string | undefined }[] = [];
  /** Answers in place of the server when it is set. */
  instead: Respond | undefined;
  /** What the tool `echo` says of itself now. */
  description = 'Says it again';
  readonly #sessions = new Map<string, { transport: NodeStreamableHTTPServerTransport; echo: RegisteredTool }>();
  readonly #http = createServer((request, response) => void this.#respond(request, response));
  readonly #modern = createMcpHandler(() => this.#server().server, { legacy: 'reject' });

  constructor(private readonly era: '2026-07-28' | '2025-11-25') {}

  async listen(): Promise<this> {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    return this;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Forgets every session, as after a restart. */
  forget(): void {
    this.#sessions.clear();
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Says that the tools changed. */
  change(description: string): void {
    this.description = description;
    this.#modern.notify.toolsChanged();
    for (const { echo } of this.#sessions.values()) echo.update({ description });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  #server(): { readonly server: McpServer; readonly echo: RegisteredTool } {
    const server = new McpServer({ name: 'test', version: '1' }, { capabilities: { tools: { listChanged: true } } });
    const inputSchema = z.object({ text: z.string() });
    const echo = server.registerTool('echo', { description: this.description, inputSchema }, ({ text }, { http }) => {
      const said = `${text} ${http?.req?.headers.get('authorization') ?? 'nobody'}`;
      return { content: [{ type: 'text', text: said }] };
    });
    server.registerTool('fail', { inputSchema: z.object({}) }, () => ({ content: [], isError: true }));
    server.registerTool('wait', { inputSchema: z.object({}) }, async (_args, { http, mcpReq }) => {
      const { signal, _meta, notify } = mcpReq;
      const progressToken = _meta?.progressToken;
      const message = `with ${http?.req?.headers.get('authorization') ?? 'nobody'}`;
      for (let progress = 1; !signal.aborted; progress++) {
        const params = { progress, total: 4, message };
        if (progressToken !== undefined)
          await notify({ method: 'notifications/progress', params: { ...params, progressToken } });
        await delay(TICK_MS, undefined, { ref: false });
      }
      return { content: [] };
    });
    return { server, echo };
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const session = request.headers['mcp-session-id'];
    const { method = '', headers } = request;
    this.seen.push({ method, session: session as string | undefined, authorization: headers.authorization });
    if (this.instead !== undefined) return void this.instead(request, response);
    if (this.era === '2026-07-28') return toNodeHandler(this.#modern)(request, response);
    if (typeof session === 'string') {
      const known = this.#sessions.get(session);
      if (known === undefined) return void response.writeHead(404).end();
      return known.transport.handleRequest(request, response);
    }
    const { server, echo } = this.#server();
    const transport: NodeStreamableHTTPServerTransport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void this.#sessions.set(id, { transport, echo }),
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    await server.connect(transport);
    await transport.handleRequest(request, response);
  }
}
