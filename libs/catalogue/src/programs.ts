import type { WritConfig } from './schema.js';
import type { CommandToolDeclaration, McpProgramDeclaration } from './tool-schema.js';

/** A program that the configuration has started on this machine, and where it stands in it. */
interface DeclaredProgram {
  readonly path: readonly ['mcpServers' | 'tools', string];
  readonly declaration: CommandToolDeclaration | McpProgramDeclaration;
}

/** Every program of this machine that the configuration declares: local commands, and MCP servers over stdio. */
export function programsOf({
  tools,
  mcpServers,
}: Pick<WritConfig, 'mcpServers' | 'tools'>): readonly DeclaredProgram[] {
  const commands = Object.entries(tools).flatMap(([name, declaration]): DeclaredProgram[] =>
    declaration.kind === 'command' ? [{ path: ['tools', name], declaration }] : [],
  );
  const servers = Object.entries(mcpServers).flatMap(([name, declaration]): DeclaredProgram[] =>
    'url' in declaration ? [] : [{ path: ['mcpServers', name], declaration }],
  );
  return [...commands, ...servers];
}
