import { readCatalogue } from '#writ/catalogue';
import type { CommandBody } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { CredentialUse } from '#writ/execution';
import { FunctionToolRunner } from './function-tool.js';
import type { ToolKindRunner } from './ports.js';
import { ToolRunner } from './tool-runner.js';

const catalogue = readCatalogue(
  `version: 1
ledger: test/default/0
tools:
  nothing: { kind: function, function: noop, input: { type: object } }
  say: { kind: function, function: echo, input: { properties: { a: { type: integer } } } }
  web: { kind: http, method: GET, url: 'https://a.example/', input: {} }`,
  { file: 'writ.yaml', baseDirectory: '/', environment: {} },
);

const unused: ToolKindRunner = {
  run: () => Promise.reject(new Error('not this one')),
};
const ignore = () => undefined;
const USE: CredentialUse = { name: 'bot', origin: 'https://a.example', echoed: false };
const web: ToolKindRunner = {
  run: async (tool, { onCredential }) => {
    onCredential(USE);
    return { output: `ran ${tool.name}` };
  },
};
const runner = new ToolRunner(catalogue, {
  http: web,
  mcp: unused,
  command: unused,
  function: new FunctionToolRunner(),
});

const command = (resource: string, body: Partial<CommandBody> = {}): CommandBody => ({
  tenant: 'default',
  agent: 'support',
  call: 'c1',
  kind: 'tool.call',
  executor: 'tool',
  delivery: 'once',
  pool: 'default',
  resource,
  dig: catalogue.tools.get(resource)?.digest ?? '',
  args: {},
  obligations: [],
  takeBy: 0,
  finishBy: 0,
  reply: '_R_.a',
  ...body,
});
const SILENT = { onAttempt: ignore };
const run = (body: CommandBody, signal = new AbortController().signal, told: CredentialUse[] = []) =>
  runner.run(body, signal, (use) => told.push(use), SILENT);

describe('ToolRunner', () => {
  it('runs a tool by its kind', async () => {
    expect(await run(command('nothing'))).toEqual({ output: null });
    expect(await run(command('say', { args: { a: 1 } }))).toEqual({ output: { a: 1 } });
    expect(await run(command('web'))).toEqual({ output: 'ran web' });
  });

  it('passes on which credential a tool used', async () => {
    const told: CredentialUse[] = [];
    await run(command('web'), undefined, told);
    expect(told).toEqual([USE]);
  });

  it('WIRE-10: refuses a command for a tool whose declaration changed since the decision', async () => {
    const changed = command('say', { dig: `sha256:${'0'.repeat(64)}` });
    await expect(run(changed)).rejects.toMatchObject({ code: 'COMMAND_TOOL_CHANGED' });
  });

  it('refuses a command for a tool that is gone', async () => {
    await expect(run(command('gone'))).rejects.toMatchObject({ code: 'COMMAND_TOOL_CHANGED' });
  });

  it('keeps calls from a service that is away, and says of which tool', async () => {
    const limited = readCatalogue(
      `version: 1
ledger: test/default/0
tools: { web: { kind: http, method: GET, url: 'https://a.example/', input: {}, concurrency: 1, breaker: { failures: 1 } } }`,
      { file: 'writ.yaml', baseDirectory: '/', environment: {} },
    );
    const away: ToolKindRunner = { run: () => Promise.reject(new Fault('EXECUTOR_UNREACHABLE', 'away')) };
    const kinds = { http: away, mcp: unused, command: unused, function: unused };
    const guarded = new ToolRunner(limited, kinds);
    const body = command('web', { dig: limited.tool('web').digest });
    const { signal } = new AbortController();
    await expect(guarded.run(body, signal, ignore, SILENT)).rejects.toMatchObject({ code: 'EXECUTOR_UNREACHABLE' });
    await expect(guarded.run(body, signal, ignore, SILENT)).rejects.toMatchObject({ code: 'EXECUTOR_CIRCUIT_OPEN' });
    expect(guarded.openCircuits).toEqual(['web']);
  });

  describe('tries again', () => {
    const flaky = readCatalogue(
      `version: 1
ledger: test/default/0
tools:
  again: { kind: http, method: POST, url: 'https://a.example/', input: {}, idempotent: true, concurrency: 2,
    breaker: { failures: 2, pauseMs: 60000 }, retries: { max: 3, pauseMs: 1 } }
  once: { kind: http, method: POST, url: 'https://a.example/', input: {}, retries: { max: 3, pauseMs: 1 } }`,
      { file: 'writ.yaml', baseDirectory: '/', environment: {} },
    );
    const busy = new Fault('EXECUTOR_FAILED', 'status 503', { transient: { sent: true } });
    const away = new Fault('EXECUTOR_UNREACHABLE', 'away', { transient: { sent: false } });

    /** Calls the tool with a service that fails so, then answers; says how it ended, after how many tries. */
    async function callOf(name: string, failures: readonly Fault[]) {
      const left = [...failures];
      const http: ToolKindRunner = {
        run: async () => {
          const failure = left.shift();
          if (failure !== undefined) throw failure;
          return { output: 'done' };
        },
      };
      const tools = new ToolRunner(flaky, { http, mcp: unused, command: unused, function: unused });
      const body = command(name, { dig: flaky.tool(name).digest, finishBy: Date.now() + 60_000 });
      let attempts = 0;
      const end = await tools
        .run(body, new AbortController().signal, ignore, { onAttempt: () => void attempts++ })
        .catch((error: unknown) => error);
      return { end, attempts, open: tools.openCircuits };
    }

    it('what is idempotent, and tells of each try', async () => {
      const { end, attempts } = await callOf('again', [busy, away, busy]);
      expect([end, attempts]).toEqual([{ output: 'done' }, 4]);
    });

    it('what is not idempotent only while certainly nothing was sent', async () => {
      await expect(callOf('once', [away, away])).resolves.toMatchObject({ end: { output: 'done' }, attempts: 3 });
      await expect(callOf('once', [away, busy])).resolves.toMatchObject({ end: busy, attempts: 2 });
      await expect(callOf('once', [busy])).resolves.toMatchObject({ end: busy, attempts: 1 });
    });

    it('and the breaker counts each try; the call ends as the last that it let through', async () => {
      const { end, attempts, open } = await callOf('again', [away, away, away]);
      expect([end, attempts, open]).toEqual([away, 2, ['again']]);
    });
  });

  it('puts beside the result what a call of a language model took', async () => {
    const asked = readCatalogue(
      `version: 1
ledger: test/default/0
llmPrices: { local/small: { input: 1, output: 3 } }
tools: { llm.chat: { kind: http, method: POST, url: 'https://a.example/', llm: { provider: local }, input: {} } }`,
      { file: 'writ.yaml', baseDirectory: '/', environment: {} },
    );
    const output = { model: 'small', usage: { prompt_tokens: 10, completion_tokens: 2 } };
    const http: ToolKindRunner = { run: async () => ({ output }) };
    const runner = new ToolRunner(asked, { http, mcp: unused, command: unused, function: unused });
    const body = command('llm.chat', { dig: asked.tool('llm.chat').digest });
    const result = await runner.run(body, new AbortController().signal, ignore, SILENT);
    expect(result.llm).toEqual({ provider: 'local', model: 'small', in: 10, out: 2, cached: 0, usd_micro: 16 });
  });

  it('runs nothing when the deadline has passed', async () => {
    await expect(run(command('nothing'), AbortSignal.abort())).rejects.toThrow('aborted');
  });
});
