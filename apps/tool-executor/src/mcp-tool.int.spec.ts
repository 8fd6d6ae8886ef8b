import { createRequire } from 'node:module';
import { readCatalogue } from '#writ/catalogue';
import type { CommandBody, JsonObject } from '#writ/contracts';
import type { Program } from '#writ/containment';
import { connectMcp, type McpConnection, type McpHttp } from '#writ/mcp';
import { McpToolRunner } from './mcp-tool.js';

const everything = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js');
const catalogue = readCatalogue(
  `version: 1
ledger: test/default/0
mcpServers:
  everything: { command: '${process.execPath}', args: ['${everything}', stdio], env: { GREETING: hello } }
  missing: { command: /nowhere/at-all }
tools:
  echo: { kind: mcp, server: everything, tool: echo, input: { properties: { message: { type: string } } } }
  env: { kind: mcp, server: everything, tool: get-env, input: {} }
  sum: { kind: mcp, server: everything, tool: get-sum, input: { properties: { a: { type: string } } } }
  slow:
    kind: mcp
    server: everything
    tool: trigger-long-running-operation
    timeoutMs: 150
    input: { properties: { duration: { type: number }, steps: { type: integer } } }
  gone: { kind: mcp, server: everything, tool: gone, input: {} }
  nowhere: { kind: mcp, server: missing, tool: any, input: {} }`,
  { file: 'writ.yaml', baseDirectory: process.cwd(), environment: {} },
);

const NO_HTTP: McpHttp = {
  fetch: () => Promise.reject(new Error('no server is elsewhere')),
  credentials: { lease: () => Promise.reject(new Error('no credential is declared')) },
  onOwnUse: () => undefined,
};

describe('McpToolRunner with a real server over stdio', () => {
  const connections: McpConnection[] = [];
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const runner = new McpToolRunner(catalogue, {
    log,
    record: async () => undefined,
    sandbox: { assertAllowed: () => undefined, contain: (program: Program) => program },
    http: NO_HTTP,
    connect: async (options) => {
      const connection = await connectMcp(options);
      connections.push(connection);
      return connection;
    },
  });
  const run = (name: string, args: JsonObject, signal = new AbortController().signal) =>
    runner.run(catalogue.tool(name), {
      command: { args } as unknown as CommandBody,
      signal,
      onCredential: () => undefined,
    });

  beforeAll(async () => {
    process.env['WRIT_TEST_SECRET'] = 'never-inherited';
    await runner.start();
  }, 30_000);
  afterAll(() => runner.close());

  it('calls a tool', async () => {
    const { output } = await run('echo', { message: 'hi' });
    expect(output).toEqual({ content: [{ type: 'text', text: 'Echo: hi' }] });
  });

  it('gives the server its own environment and not ours', async () => {
    const text = JSON.stringify((await run('env', {})).output);
    expect(text).toContain('GREETING');
    expect(text).not.toContain('never-inherited');
  });

  it('fails when the tool reports an error', async () => {
    await expect(run('sum', { a: 'x' })).rejects.toMatchObject({ code: 'EXECUTOR_FAILED' });
  });

  it('EXECUTOR-07: ends a slow call at its limit, or when it is told to stop', async () => {
    await expect(run('slow', { duration: 5, steps: 1 })).rejects.toMatchObject({ code: 'EXECUTOR_TIMEOUT' });
    const stopped = run('slow', { duration: 5, steps: 1 }, AbortSignal.timeout(20));
    await expect(stopped).rejects.toMatchObject({ code: 'EXECUTOR_TIMEOUT' });
  });

  it('does not run a tool that the server lacks, or a tool of a server that does not start', async () => {
    await expect(run('gone', {})).rejects.toMatchObject({ code: 'EXECUTOR_UNREACHABLE' });
    await expect(run('nowhere', {})).rejects.toMatchObject({ code: 'EXECUTOR_UNREACHABLE' });
  });

  it('starts the server again after it ended', async () => {
    expect(connections).toHaveLength(1);
    await connections[0]?.close();
    for (;;) {
      const result = await run('echo', { message: 'again' }).catch(() => undefined);
      if (result !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(connections).toHaveLength(2);
  }, 15_000);
});
