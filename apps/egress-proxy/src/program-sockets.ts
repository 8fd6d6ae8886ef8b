import { chmod, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { programsOf, type WritConfig } from '#writ/catalogue';
import { EGRESS_SOCKET } from '#writ/containment';
import { Fault } from '#writ/faults';
import { makePrivateDirectory } from '#writ/files';

interface ProgramSocketOptions {
  /** The folder of the socket of an agent, which only this user may look into. */
  readonly directoryOf: (agent: string) => string;
  /** A server whose clients are that agent. */
  readonly bindable: (agent: string) => Server;
}

/** What Linux takes as the path of a socket, and the others a little less. A longer one would be cut, and another file be made. */
const PATH_BYTES_MAX = 103;

/** The agents as which contained programs ask the proxy, each once. */
export function programAgents(config: Pick<WritConfig, 'mcpServers' | 'tools'>): readonly string[] {
  const named = programsOf(config).flatMap(({ declaration: { egress } }) => (egress === undefined ? [] : [egress.as]));
  return [...new Set(named)];
}

/**
 * Listens on a socket for each of these agents. Who reaches it is that agent, without a token: the sandbox of a program that was declared as
 * that agent, or another process of this user, which could as well read the agent's key. Throws CONFIG_DATA_DIR.
 */
export async function listenForPrograms(
  agents: readonly string[],
  { directoryOf, bindable }: ProgramSocketOptions,
): Promise<readonly Server[]> {
  return Promise.all(
    agents.map(async (agent) => {
      const server = bindable(agent);
      await listenAt(server, directoryOf(agent));
      return server;
    }),
  );
}

async function listenAt(server: Server, directory: string): Promise<void> {
  const path = join(directory, EGRESS_SOCKET);
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new Fault('CONFIG_DATA_DIR', `the path \`${path}\` is over ${PATH_BYTES_MAX} bytes, too long for a socket`);
  await makePrivateDirectory(directory);
  // One proxy runs for a data directory, so a socket that is there is what one left that was killed.
  await rm(path, { force: true });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    await chmod(path, 0o600);
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR', `the egress proxy cannot listen at \`${path}\``, { cause });
  }
}
