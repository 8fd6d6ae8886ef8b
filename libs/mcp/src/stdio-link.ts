import type { McpProgramDeclaration } from '#writ/catalogue';
import { killOnExit, killProcess, type Sandbox } from '#writ/containment';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { McpLink } from './link.js';
import { StderrTail } from './stderr-tail.js';

interface StdioOptions {
  readonly baseDirectory: string;
  readonly sandbox: Pick<Sandbox, 'contain'>;
  /** A server that sends one longer line is ended. */
  readonly messageBytesMax: number;
}

const END_WITHIN_MS = 1_000;

/** A child process, contained as it is declared, and the way to speak to it over stdio. It is started when a client connects. */
export function stdioLink(declaration: McpProgramDeclaration, options: StdioOptions): McpLink {
  const { baseDirectory, sandbox, messageBytesMax } = options;
  const { command, args, env } = sandbox.contain({ ...declaration, cwd: baseDirectory }, declaration);
  // The SDK clears the environment but for PATH, HOME, USER, LOGNAME, SHELL and TERM: no secret of ours is inherited.
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    env: { ...env },
    cwd: baseDirectory,
    stderr: 'pipe',
    maxBufferSize: messageBytesMax,
  });
  const stderr = new StderrTail(transport.stderr);
  let forget = () => {};
  return {
    transport,
    detail: () => stderr.text(),
    connected: () => {
      if (transport.pid !== null) forget = killOnExit(transport.pid);
    },
    during: (_call, work) => work(),
    isLost: () => false,
    definitionsForMs: Infinity,
    end: async (client) => {
      const { pid } = transport;
      // Closing stdin is what ends a well-behaved server; one that stays is killed.
      const timer = setTimeout(() => pid !== null && killProcess(pid), END_WITHIN_MS);
      await client.close().catch(() => {});
      clearTimeout(timer);
      forget();
    },
  };
}
