import { acquireLock, writeFileAtomic } from '#writ/files';
import { startNatsServer } from '#writ/nats';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBusSeed } from './keys.js';
import { packageFile } from './package-root.js';
import type { DeploymentPaths } from './paths.js';
import { assertSafeServerConfig } from './safe-server-config.js';
import { fillTemplate } from './template.js';

/** A server that lets the operator read the ledger of a deployment that does not run. */
export interface LedgerServer {
  readonly url: string;
  stop(): Promise<void>;
}

const READABLE_STREAMS = ['LEDGER', 'PAYLOADS', 'PAYLOAD_KEYS'];

/**
 * Starts a server over the streams of a stopped deployment, on a loopback port, with one user who may read and nobody who may write.
 * Holds the data directory until it is stopped. Throws CONFIG_DATA_DIR_LOCKED when the deployment runs.
 */
export async function startLedgerServer(paths: DeploymentPaths, binary: string): Promise<LedgerServer> {
  const { publicKey } = await readBusSeed(paths, 'operator');
  const template = await readFile(packageFile('deploy', 'nats', 'ledger-only.conf.template'), 'utf8');
  const text = fillTemplate(template, {
    storeDir: paths.natsStore,
    portsDir: paths.natsPorts,
    logFile: paths.natsLog,
    operator: publicKey,
    readableStreams: READABLE_STREAMS.map((stream) => ({ stream })),
  });
  assertSafeServerConfig(text);
  const lock = await acquireLock(paths.lock);
  try {
    const configFile = join(paths.natsDir, 'ledger-only.conf');
    await writeFileAtomic(configFile, text);
    const server = await startNatsServer({ binary, configFile, portsDir: paths.natsPorts, logFile: paths.natsLog });
    return { url: server.url, stop: () => server.stop().finally(() => lock.release()) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
