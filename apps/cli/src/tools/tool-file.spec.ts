import type { JsonObject } from '#writ/contracts';
import { definitionsOf } from '#writ/mcp';
import { formatImport } from './format-import.js';
import { mcpTools } from './mcp-tools.js';
import { compareTools, renderTools } from './tool-file.js';

const READ = {
  name: 'read',
  description: 'Reads a file',
  inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
};
const imported = (...definitions: readonly JsonObject[]) => mcpTools('files', definitionsOf(definitions));

function render(text: string | undefined, ...definitions: readonly JsonObject[]) {
  const { tools } = imported(...definitions);
  return renderTools(text, tools, compareTools(text, 'files.tools.yaml', tools));
}

describe('the tools of an MCP server', () => {
  it('have its schema, what it says of them and the hash of the whole definition', () => {
    const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, title: 'Read' };
    expect(imported({ ...READ, annotations }).tools).toEqual([
      {
        name: 'files.read',
        fields: {
          kind: 'mcp',
          server: 'files',
          tool: 'read',
          description: 'Reads a file',
          hints: { readOnly: true, destructive: false, idempotent: true },
          definition: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
          input: { type: 'object', properties: { path: { type: 'string' } } },
        },
      },
    ]);
  });

  it('do not run again because the server says that they may', () => {
    const { tools } = imported({ ...READ, annotations: { idempotentHint: true } });
    expect(tools[0]?.fields).not.toHaveProperty('idempotent');
  });

  it('are left out, with the reason, when the catalogue would refuse them or two get one name', () => {
    const open = { name: 'open', inputSchema: { type: 'object', additionalProperties: { type: 'string' } } };
    const { tools, skipped } = imported(READ, open, { ...READ, name: 'a/b' }, { ...READ, name: 'a b' });
    expect(tools.map(({ name }) => name)).toEqual(['files.read', 'files.a-b']);
    expect(skipped).toEqual([
      { name: 'open', why: expect.stringContaining('arguments are closed to the schema') },
      { name: 'a b', why: 'another one became `files.a-b` already' },
    ]);
  });
});

describe('a file of tools', () => {
  it('is as it was when nothing changed, also where its keeper narrowed a schema', () => {
    const text = render(undefined, READ).replace('type: string', 'enum: [ /tmp ]');
    const changes = compareTools(text, 'files.tools.yaml', imported(READ).tools);
    expect(changes).toEqual({ added: [], removed: [], changed: [], same: 1 });
    expect(render(text, READ)).toBe(text);
  });

  it('keeps what is not the definition: fields and comments of its keeper', () => {
    const text = render(undefined, READ).replace('    kind: mcp', '    timeoutMs: 500 # slow disks\n    kind: mcp');
    const after = render(text, { ...READ, description: 'Reads any file' });
    expect(after).toContain('timeoutMs: 500 # slow disks');
    expect(after).toContain('description: Reads any file');
  });

  it('tells what differs from what is approved, with both hashes', () => {
    const { tools } = imported({ ...READ, description: 'Reads any file' }, { ...READ, name: 'new' });
    const changes = compareTools(render(undefined, READ, { ...READ, name: 'old' }), 'files.tools.yaml', tools);
    expect(changes).toMatchObject({ added: ['files.new'], removed: ['files.old'], same: 0 });
    expect(changes.changed).toEqual([
      {
        name: 'files.read',
        old: imported(READ).tools[0]?.fields.definition,
        new: tools[0]?.fields.definition,
        fields: [{ field: 'description', old: 'Reads a file', new: 'Reads any file' }],
      },
    ]);
  });

  it('shows what a definition hides from people: signs that are not seen, and such that command a terminal', () => {
    const hidden = `Reads\u{e0041}\u200b\u202e \u001b[2J`;
    const { tools, skipped } = imported({ ...READ, description: hidden });
    const report = { file: 'f', written: true, ...compareTools(undefined, 'f', tools), skipped };
    expect(formatImport(report, tools)[1]).toBe('    Reads\\u{e0041}\\u{200b}\\u{202e} \\u{1b}[2J');
  });
});
