import { readCatalogue } from './catalogue.js';

const PIN = `sha256:${'a'.repeat(64)}`;
const SERVERS = 'mcpServers: { files: { command: files } }';

function read(tools: string, config = SERVERS) {
  return readCatalogue(`version: 1\nledger: test/default/0\n${config}`, {
    file: 'writ.yaml',
    baseDirectory: '/etc/writ',
    environment: { SECRET: 'hunter2' },
    toolFiles: [{ file: 'tools/files.tools.yaml', text: `version: 1\ntools:\n  ${tools}\n` }],
  });
}

describe('tools in files of their own', () => {
  it('are tools like those of the configuration, and know its servers', () => {
    const { tools, config } = read(
      `files.read: { kind: mcp, server: files, tool: read, definition: '${PIN}', input: {} }`,
    );
    expect(tools.get('files.read')?.declaration).toMatchObject({ kind: 'mcp', definition: PIN });
    expect(Object.keys(config.tools)).toEqual(['files.read']);
  });

  it('are not given the environment: a server that is imported writes into them', () => {
    const catalogue = read(
      "files.read: { kind: mcp, server: files, tool: read, description: 'is ${SECRET}', input: {} }",
    );
    expect(catalogue.tool('files.read').declaration.description).toBe('is ${SECRET}');
  });

  it.each([
    [
      'a wrong field',
      'a: { kind: mcp, server: files, tool: t, input: {}, frob: 1 }',
      'tools/files.tools.yaml:3:54: `tools.a.frob`: there is no such field',
    ],
    [
      'an unknown server',
      'a: { kind: mcp, server: none, tool: t, input: {} }',
      'tools/files.tools.yaml:3:19: `tools.a.server`: no server `none` is declared under `mcpServers`',
    ],
    [
      'an open schema',
      'a: { kind: mcp, server: files, tool: t, input: { additionalProperties: true } }',
      'tools/files.tools.yaml:3:52: `tools.a.input.additionalProperties`: must be false: arguments are closed to the schema',
    ],
  ])('are refused with file, line and column for %s', (_case, tools, message) => {
    expect(() => read(tools)).toThrow(message);
  });

  it('are refused when the configuration has a tool of that name', () => {
    const config = `${SERVERS}\ntools: { a: { kind: function, function: noop, input: {} } }`;
    expect(() => read('a: { kind: function, function: echo, input: {} }', config)).toThrow(
      'tools/files.tools.yaml:3:3: `tools.a`: is declared elsewhere too',
    );
  });
});

describe('a server with requirePins', () => {
  const config = 'mcpServers: { files: { command: files, requirePins: true } }';

  it('WIRE-10: has no tool without a pinned definition', () => {
    expect(() => read('a: { kind: mcp, server: files, tool: t, input: {} }', config)).toThrow(
      '`tools.a.definition`: is missing, and the server `files` has `requirePins`: `writ tools import mcp files`',
    );
    expect(read(`a: { kind: mcp, server: files, tool: t, definition: '${PIN}', input: {} }`, config).tools.size).toBe(
      1,
    );
  });
});
