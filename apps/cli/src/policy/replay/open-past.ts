import { deploymentPaths, type LedgerServer, startLedgerServer } from '#writ/deployment';
import { findNatsServer } from '#writ/nats';
import { findRunStatus, openOperator, type PastSources } from '#writ/operator';
import { existsSync } from 'node:fs';
import type { Cli } from '../../cli.js';
import { removedMessages } from '../../ledger/removed-messages.js';
import { PACKAGE_ROOT } from '../../package-root.js';

/** The record of a deployment, opened for reading. */
export interface Past {
  readonly sources: PastSources;
  close(): Promise<void>;
}

/**
 * Opens the record of a deployment: through its bus while it runs, else through a server that knows the ledger's account alone. Throws
 * CONFIG_DATA_DIR, CONFIG_NOT_RUNNING, CONFIG_NATS_SERVER_*.
 */
export async function openPast(dataDir: string, cli: Cli): Promise<Past> {
  const paths = deploymentPaths(dataDir);
  let url = process.env['WRIT_NATS_URL'] ?? (await findRunStatus(paths))?.url;
  let server: LedgerServer | undefined;
  if (url === undefined && existsSync(paths.deploymentFile)) {
    const log = (line: string): void => cli.note(`nats-server: ${line}`);
    const { binary } = await findNatsServer({ env: process.env, packageRoot: PACKAGE_ROOT, log });
    server = await startLedgerServer(paths, binary);
    url = server.url;
  }
  try {
    const { blocks, payloads, authority, values, close } = await openOperator({ dataDir, url });
    return {
      sources: { blocks, payloads, authority, values, removed: removedMessages(paths, (line) => cli.note(line)) },
      close: async () => {
        await close();
        await server?.stop();
      },
    };
  } catch (error) {
    await server?.stop();
    throw error;
  }
}
