import { setImmediate } from 'node:timers/promises';
import { readCatalogue } from '#writ/catalogue';
import type { CommandBody, EntryBody, JsonObject, Progress } from '#writ/contracts';
import type { Program } from '#writ/containment';
import { Fault } from '#writ/faults';
import { deferred, type McpConnection, type McpConnectOptions, type McpHttp } from '#writ/mcp';
import { McpToolRunner } from './mcp-tool.js';

const PIN = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha256:${'b'.repeat(64)}`;
const THIRD = `sha256:${'c'.repeat(64)}`;
const catalogue = readCatalogue(
  `version: 1
ledger: test/default/0
mcpServers: { files: { command: files } }
tools:
  files.read: { kind: mcp, server: files, tool: read, definition: '${PIN}', input: {} }
  files.mute: { kind: mcp, server: files, tool: list, input: {}, progress: none }
  files.told: { kind: mcp, server: files, tool: list, input: {}, progress: text }
  files.cut: { kind: mcp, server: files, tool: list, input: {}, outputBytesMax: 100, onOversize: cut }
  files.list: { kind: mcp, server: files, tool: list, input: {}, outputBytesMax: 100 }`,
  { file: 'writ.yaml', baseDirectory: '/', environment: {} },
);
const { signal } = new AbortController();

const NO_HTTP: McpHttp = {
  fetch: () => Promise.reject(new Error('no server is elsewhere')),
  credentials: { lease: () => Promise.reject(new Error('no credential is declared')) },
  onOwnUse: () => undefined,
};

/** A server in memory: what it offers can be changed, and it can be made to end. */
function setup(offered: Record<string, string>, answer: JsonObject = { content: [] }, refused?: Fault) {
  const sandbox = {
    assertAllowed: () => {
      if (refused !== undefined) throw refused;
    },
    contain: (program: Program) => program,
  };
  const defined = ([name, hash]: [string, string]) => [name, { hash, raw: { name } }] as const;
  const definitions = () => new Map(Object.entries(offered).map(defined));
  let changing: Record<string, string> | undefined;
  const starts: { end: () => void; options: McpConnectOptions }[] = [];
  const pauses: number[] = [];
  const lines: string[] = [];
  const entries: EntryBody[] = [];
  let nowMs = 0;
  let isBroken = false;
  const runner = new McpToolRunner(catalogue, {
    log: {
      info: () => {},
      warn: (_, message) => lines.push(message),
      error: (_, message) => lines.push(message),
    },
    record: async (entry) => entries.push(entry),
    sandbox,
    http: NO_HTTP,
    clock: {
      now: () => nowMs,
      sleep: async (milliseconds) => {
        pauses.push(milliseconds);
        await setImmediate();
      },
    },
    connect: async (options): Promise<McpConnection> => {
      if (isBroken) throw new Fault('EXECUTOR_UNREACHABLE', 'the MCP server did not start');
      const { promise: closed, resolve } = deferred<string>();
      starts.push({ end: () => resolve('it crashed'), options });
      return {
        definitions: definitions(),
        closed,
        refresh: async () => {
          if (changing !== undefined) options.onDefinitions(new Map(Object.entries(changing).map(defined)));
        },
        call: async (_tool, _args, { onProgress }) => {
          onProgress?.({ progress: 1, total: 2, message: 'reading' });
          return answer;
        },
        close: async () => resolve('closed'),
      };
    },
  });
  const run = (name: string, onProgress?: (said: Progress) => void) => {
    const command = { args: {} } as unknown as CommandBody;
    return runner.run(catalogue.tool(name), { command, signal, onCredential: () => undefined, onProgress });
  };
  return {
    runner,
    run,
    starts,
    pauses,
    lines,
    entries,
    pass: (milliseconds: number) => (nowMs += milliseconds),
    offer: (changed: Record<string, string>) => {
      offered = changed;
      starts.at(-1)?.options.onDefinitions(definitions());
    },
    changeSilently: (changed: Record<string, string>) => (changing = changed),
    breakIt: () => {
      isBroken = true;
      starts.at(-1)?.end();
    },
    [Symbol.asyncDispose]: () => runner.close(),
  };
}

describe('McpToolRunner', () => {
  it('answers with the content of the tool', async () => {
    await using server = setup(
      { read: PIN, list: OTHER },
      { content: [{ type: 'text', text: 'hi' }], structuredContent: { a: 1 } },
    );
    await server.runner.start();
    expect((await server.run('files.read')).output).toEqual({
      content: [{ type: 'text', text: 'hi' }],
      structuredContent: { a: 1 },
    });
  });

  it.each([
    ['the numbers of its server, when nothing is said', 'files.list', [{ progress: 1, total: 2 }]],
    ['its texts as well, when it is declared to', 'files.told', [{ progress: 1, total: 2, message: 'reading' }]],
    ['nothing, when it is declared not to', 'files.mute', []],
  ])('tells of progress %s', async (_what, name, told) => {
    await using server = setup({ read: PIN, list: OTHER });
    await server.runner.start();
    const said: Progress[] = [];
    await server.run(name, (progress) => said.push(progress));
    expect(said).toEqual(told);
  });

  it('never starts a server that must be contained and cannot be: each call says so', async () => {
    const refused = new Fault('EXECUTOR_NOT_CONTAINED', 'the tool may only run contained');
    await using server = setup({ read: PIN, list: OTHER }, {}, refused);
    await server.runner.start();
    await expect(server.run('files.read')).rejects.toBe(refused);
    expect(server.starts).toHaveLength(0);
    expect(server.lines).toContain('the tool may only run contained');
  });

  it('starts a server on the first call when it was not started before', async () => {
    await using server = setup({ read: PIN, list: OTHER });
    await server.run('files.read');
    expect(server.starts).toHaveLength(1);
  });

  it('WIRE-10: refuses a tool whose definition is not the pinned one, and says so in the log', async () => {
    await using server = setup({ read: OTHER, list: OTHER });
    await server.runner.start();
    await expect(server.run('files.read')).rejects.toMatchObject({ code: 'TOOL_DEFINITION_CHANGED' });
    expect(server.lines).toContain('the MCP server changed the definition of `files.read`: it is disabled');
    expect(server.runner.disabledTools).toEqual(['files.read']);
    await expect(server.run('files.list')).resolves.toBeDefined();
  });

  it('WIRE-10: has it on record with both hashes, and once a minute however often the server changes it', async () => {
    await using server = setup({ read: OTHER, list: OTHER });
    await server.runner.start();
    const changed = { type: 'tool.definition.changed', tool: 'files.read', server: 'files', old: PIN };
    expect(server.entries).toEqual([{ ...changed, new: OTHER }]);
    for (const read of [PIN, THIRD, PIN, OTHER]) server.offer({ read, list: OTHER });
    expect(server.entries).toHaveLength(1);
    server.pass(60_000);
    server.offer({ read: THIRD, list: OTHER });
    expect(server.entries).toEqual([
      { ...changed, new: OTHER },
      { ...changed, new: THIRD },
    ]);
  });

  it('says at the start which tools are not pinned', async () => {
    await using server = setup({ read: PIN, list: OTHER });
    expect(server.lines).toEqual(['tools have no pinned `definition`: the first that is seen counts']);
  });

  it('WIRE-10: suspends a tool that changes while the server runs, until it is as before', async () => {
    await using server = setup({ read: PIN, list: PIN });
    await server.runner.start();
    server.offer({ read: PIN, list: OTHER });
    await expect(server.run('files.list')).rejects.toMatchObject({ code: 'TOOL_DEFINITION_CHANGED' });
    server.offer({ read: PIN, list: PIN });
    await expect(server.run('files.list')).resolves.toBeDefined();
  });

  it('WIRE-10: remembers the first definition across a restart of the server', async () => {
    await using server = setup({ read: PIN, list: PIN });
    await server.runner.start();
    server.offer({ read: PIN, list: OTHER });
    server.starts[0]?.end();
    await setImmediate();
    await setImmediate();
    expect(server.starts).toHaveLength(2);
    await expect(server.run('files.list')).rejects.toMatchObject({ code: 'TOOL_DEFINITION_CHANGED' });
  });

  it('WIRE-10: does not run a tool whose change is found when the server is asked again before the call', async () => {
    await using server = setup({ read: PIN, list: PIN });
    await server.runner.start();
    server.changeSilently({ read: PIN, list: OTHER });
    await expect(server.run('files.list')).rejects.toMatchObject({ code: 'TOOL_DEFINITION_CHANGED' });
  });

  it('refuses a tool that the server lacks', async () => {
    await using server = setup({ read: PIN });
    await server.runner.start();
    await expect(server.run('files.list')).rejects.toMatchObject({ code: 'EXECUTOR_UNREACHABLE' });
  });

  it('starts a crashed server again with growing pauses, and refuses calls in between', async () => {
    await using server = setup({ read: PIN, list: PIN });
    await server.runner.start();
    server.breakIt();
    while (server.pauses.length < 9) await setImmediate();
    expect(server.pauses.slice(0, 9)).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    await expect(server.run('files.read')).rejects.toMatchObject({ code: 'EXECUTOR_UNREACHABLE' });
  });

  it('gives an answer over the limit whole where it is to be cut, for it is redacted first', async () => {
    const answer = { content: 'x'.repeat(200) };
    await using server = setup({ read: PIN, list: PIN }, answer);
    await server.runner.start();
    const result = await server.run('files.cut');
    expect(result).toEqual({ output: answer, bytes: 214, cut: { bytesMax: 100, hasMore: false } });
  });

  it.each([
    ['over the limit of the tool', { content: 'x'.repeat(100) }, 'EXECUTOR_OUTPUT_TOO_LARGE'],
    ['with half of a surrogate pair', { content: '\ud800' }, 'EXECUTOR_BAD_ANSWER'],
  ])('fails on an answer %s', async (_case, answer, code) => {
    await using server = setup({ read: PIN, list: PIN }, answer);
    await server.runner.start();
    await expect(server.run('files.list')).rejects.toMatchObject({ code });
  });
});
