import { type Catalogue, programsOf } from '#writ/catalogue';
import { Sandbox } from '#writ/containment';
import { openBroker } from '#writ/credentials';
import { deploymentPaths, egressWays } from '#writ/deployment';
import { deferred } from '#writ/mcp';
import { fetchOutbound, sendOutbound } from '#writ/outbound';
import type { Executor, RecordEntry, ServiceContext } from '#writ/service-host';
import { CommandToolRunner } from './command-tool.js';
import { FunctionToolRunner } from './function-tool.js';
import { HttpToolRunner } from './http-tool.js';
import { McpToolRunner } from './mcp-tool.js';
import type { ToolLog } from './ports.js';
import { ToolRunner } from './tool-runner.js';

/** Wires the tool executor: HTTP tools, MCP servers over stdio and HTTP, programs of this machine, built-in functions. */
export async function toolExecutor({ catalogue, log, settings }: ServiceContext): Promise<Executor> {
  const credentials = openBroker(catalogue, { dataDir: settings.WRIT_DATA, send: sendOutbound });
  // The writer is opened later; what is to be on record before that waits for it.
  const writer = deferred<RecordEntry>();
  const record: RecordEntry = async (body) => (await writer.promise)(body);
  const { config, baseDirectory } = catalogue;
  const sandbox = await Sandbox.probe({
    usual: config.containment,
    hidden: [settings.WRIT_DATA],
    egress: egressWays(deploymentPaths(settings.WRIT_DATA), config),
  });
  warnUncontained(catalogue, sandbox, log);
  const mcp = new McpToolRunner(catalogue, {
    log,
    record,
    sandbox,
    http: {
      credentials,
      fetch: fetchOutbound,
      // No call is at work, so there is none to put it on record with.
      onOwnUse: ({ name, origin, echoed }) =>
        log.info({ credential: name, origin, echoed }, 'a credential was used to connect an MCP server'),
    },
  });
  const runners = {
    http: new HttpToolRunner(credentials, sendOutbound),
    mcp,
    function: new FunctionToolRunner(),
    command: new CommandToolRunner({ baseDirectory, sandbox }),
  };
  const runner = new ToolRunner(catalogue, runners);
  // Servers warm up beside the service; a call that comes earlier waits for its own.
  void mcp.start();
  return {
    kind: 'tool',
    runner,
    isReady: () => true,
    start: writer.resolve,
    details: () => ({
      disabledTools: mcp.disabledTools,
      openCircuits: runner.openCircuits,
      containment: sandbox.problem ?? 'bubblewrap',
    }),
    close: () => mcp.close(),
  };
}

/** Says once, and loudly, that programs run with all that this process may do. */
function warnUncontained({ config }: Catalogue, { problem }: Sandbox, log: ToolLog): void {
  const wanted = programsOf(config).filter(
    ({ declaration: { containment = config.containment } }) => containment !== 'none',
  );
  if (problem === undefined || wanted.length === 0) return;
  const fields = { code: 'EXECUTOR_NOT_CONTAINED', why: problem, programs: wanted.length };
  log.warn(fields, 'programs run UNCONTAINED, or not at all where containment is required');
}
