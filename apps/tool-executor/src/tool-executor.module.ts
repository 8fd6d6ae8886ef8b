import { openBroker } from '#writ/credentials';
import { sendOutbound } from '#writ/outbound';
import type { Executor, ServiceContext } from '#writ/service-host';
import { FunctionToolRunner } from './function-tool.js';
import { HttpToolRunner } from './http-tool.js';
import { McpToolRunner } from './mcp-tool.js';
import { ToolRunner } from './tool-runner.js';

/** Wires the tool executor: HTTP tools, MCP servers over stdio, built-in functions. */
export async function toolExecutor({ catalogue, log, settings }: ServiceContext): Promise<Executor> {
  const credentials = openBroker(catalogue, { dataDir: settings.WRIT_DATA, send: sendOutbound });
  const mcp = new McpToolRunner(catalogue, { log });
  const runners = { http: new HttpToolRunner(credentials, sendOutbound), mcp, function: new FunctionToolRunner() };
  // Servers warm up beside the service; a call that comes earlier waits for its own.
  void mcp.start();
  return {
    kind: 'tool',
    runner: new ToolRunner(catalogue, runners),
    isReady: () => true,
    close: () => mcp.close(),
  };
}
