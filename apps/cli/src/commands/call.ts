import type { Agent, CallOptions, Completed, EgressInit, MemoryRecord, Progress } from '#writ/agent-sdk';
import type { Command } from 'commander';
import { parseWhole } from '../call/parse-whole.js';
import type { CallCommandOptions } from '../call/run-call.js';
import { type Cli, CODES, helpEnd, withDataAndJson } from '../cli.js';
import { UsageError } from '../failure.js';

const CODES_OF_CALL = [
  '0   completed',
  '1   denied or refused',
  '2   permitted, and failed, expired, or nobody can say',
  CODES.usage,
  '69  nobody decides at the moment: nothing was done',
  CODES.config,
];
const K_MAX = 100;
const TIMEOUT_MS_MAX = 600_000;

/** `writ call tool|memory|egress|result` */
export function addCallCommand(program: Command, cli: Cli): void {
  const command = program
    .command('call')
    .description('make one governed call as an agent')
    .requiredOption('--as <agent>', 'the agent whose profile is used')
    .option('--call <id>', 'call id: the same id never has a second effect')
    .option('--session <id>', 'session id, for correlation')
    .option('--timeout <ms>', 'how long to wait for the answer (default: 35000)', (text) =>
      parseWhole(text, '--timeout', { min: 1, max: TIMEOUT_MS_MAX }),
    )
    .addHelpText('after', helpEnd(CODES_OF_CALL, `writ call --as assistant tool demo.echo '{"text":"hello"}'`));
  withDataAndJson(command);
  addTool(command, cli);
  addMemory(command, cli);
  addEgress(command, cli);
  addResult(command, cli);
}

function addTool(call: Command, cli: Cli): void {
  call
    .command('tool')
    .description('call a tool')
    .argument('<name>', 'name of the tool')
    .argument('[json]', 'its arguments, a JSON object; `-` reads standard input', '{}')
    .option('--progress', 'show on stderr how far it is, if the tool says so: only MCP tools can')
    .addHelpText(
      'after',
      helpEnd(
        CODES_OF_CALL,
        `writ call --as assistant tool demo.echo '{"text":"hello"}'`,
        'writ call --as assistant tool files.copy --progress',
      ),
    )
    .action(async (name: string, json: string, { progress }: ToolCommandOptions, command: Command) => {
      const { parseJsonObject } = await import('../call/arguments.js');
      const { progressLine } = await import('../call/progress-line.js');
      const args = parseJsonObject(json, 'the arguments');
      const onProgress = (said: Progress) => cli.note(progressLine(said));
      await make(command, cli, (agent, options) =>
        agent.tool(name, args, { ...options, ...(progress === true && { onProgress }) }),
      );
    });
}

interface ToolCommandOptions {
  readonly progress?: boolean;
}

interface QueryOptions {
  readonly k?: number;
  readonly search?: string;
}

function addMemory(call: Command, cli: Cli): void {
  const memory = call.command('memory').description('query, get, write or delete records of a memory namespace');
  memory
    .command('query')
    .description('find the records that are most like a text')
    .argument('<namespace>', 'such as CRM.customers')
    .argument('<text>', 'what to look for')
    .option('-k <n>', 'how many records at most', (text) => parseWhole(text, '-k', { min: 1, max: K_MAX }))
    .option('--search <how>', 'by what records are compared: vector (default), text (its words) or hybrid (both)')
    .addHelpText('after', helpEnd(CODES_OF_CALL, `writ call --as assistant memory query team.notes 'the offsite' -k 3`))
    .action(async (namespace: string, text: string, { k, search }: QueryOptions, command: Command) => {
      const query = {
        text,
        ...(k === undefined ? {} : { k }),
        ...(search === undefined ? {} : { search: searchOf(search) }),
      };
      await make(command, cli, (agent, options) => agent.memory(namespace).query(query, options));
    });
  memory
    .command('get')
    .description('read records by their ids')
    .argument('<namespace>', 'such as CRM.customers')
    .argument('<id...>', 'ids of the records')
    .addHelpText('after', helpEnd(CODES_OF_CALL, 'writ call --as assistant memory get team.notes note-1'))
    .action(async (namespace: string, ids: string[], _options: unknown, command: Command) => {
      await make(command, cli, (agent, options) => agent.memory(namespace).get(ids, options));
    });
  memory
    .command('write')
    .description('write one record, or those of {"records":[…]}')
    .argument('<namespace>', 'such as CRM.customers')
    .argument('<json>', 'a record {"text":…,"labels":[…],"data":{…}}, or {"records":[…]}; `-` reads standard input')
    .addHelpText('after', helpEnd(CODES_OF_CALL, `writ call --as assistant memory write team.notes '{"text":"hello"}'`))
    .action(async (namespace: string, json: string, _options: unknown, command: Command) => {
      const records = await recordsOf(json);
      await make(command, cli, (agent, options) => agent.memory(namespace).write(records, options));
    });
  memory
    .command('delete')
    .description('delete records by their ids')
    .argument('<namespace>', 'such as CRM.customers')
    .argument('<id...>', 'ids of the records')
    .addHelpText('after', helpEnd(CODES_OF_CALL, 'writ call --as assistant memory delete team.notes note-1'))
    .action(async (namespace: string, ids: string[], _options: unknown, command: Command) => {
      await make(command, cli, (agent, options) => agent.memory(namespace).delete(ids, options));
    });
}

interface EgressOptions {
  readonly method?: string;
  readonly header?: readonly string[];
  readonly body?: string;
}

function addEgress(call: Command, cli: Cli): void {
  call
    .command('egress')
    .description('send an HTTP request to a declared destination')
    .argument('<url>', 'canonical URL')
    .option('--method <method>', 'GET, HEAD, POST, PUT, PATCH or DELETE (default: GET)')
    .option('--header <name:value>', 'a request header, as often as needed; credentials come from the broker', collect)
    .option('--body <text>', 'the request body')
    .addHelpText('after', helpEnd(CODES_OF_CALL, 'writ call --as assistant egress https://example.com/'))
    .action(async (url: string, { method, header, body }: EgressOptions, command: Command) => {
      const { parseHeaders } = await import('../call/arguments.js');
      const init = {
        ...(method === undefined ? {} : { method: methodOf(method) }),
        ...(header === undefined ? {} : { headers: parseHeaders(header) }),
        ...(body === undefined ? {} : { body }),
      };
      await make(command, cli, (agent, options) => agent.egress(url, init, options));
    });
}

function addResult(call: Command, cli: Cli): void {
  call
    .command('result')
    .description('fetch the stored answer of an earlier call, waiting while it still runs')
    .argument('<call>', 'id of the call')
    .addHelpText('after', helpEnd(CODES_OF_CALL, 'writ call --as assistant result 2f6c2c3e'))
    .action(async (id: string, _options: unknown, command: Command) => {
      await make(command, cli, (agent, options) => agent.result(id, options));
    });
}

async function make(
  command: Command,
  cli: Cli,
  call: (agent: Agent, options: CallOptions) => Promise<Completed>,
): Promise<void> {
  const { runCall } = await import('../call/run-call.js');
  cli.exitCode = await runCall(command.optsWithGlobals<CallCommandOptions>(), call, cli);
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

async function recordsOf(json: string): Promise<readonly MemoryRecord[]> {
  const { parseJsonObject } = await import('../call/arguments.js');
  const given = parseJsonObject(json, 'the record');
  // The service checks each record against its schema; here only one and many are told apart.
  const records = Array.isArray(given['records']) ? given['records'] : [given];
  return records as unknown as readonly MemoryRecord[];
}

const SEARCHES = ['vector', 'text', 'hybrid'] as const;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

function searchOf(text: string): (typeof SEARCHES)[number] {
  const search = SEARCHES.find((each) => each === text);
  if (search === undefined) throw new UsageError(`--search must be one of ${SEARCHES.join(', ')}`);
  return search;
}

function methodOf(text: string): NonNullable<EgressInit['method']> {
  const method = METHODS.find((each) => each === text.toUpperCase());
  if (method === undefined) throw new UsageError(`--method must be one of ${METHODS.join(', ')}`);
  return method;
}
