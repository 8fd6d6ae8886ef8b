import type { WritConfig } from '#writ/catalogue';
import { AgentName, EXECUTOR_KINDS, parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { acquireLock, type Lock, makePrivateDirectory, readFileIfPresent, writeFileAtomic } from '#writ/files';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { createAccessTokens } from './access-tokens.js';
import { assertNotContinuing } from './continuation.js';
import { createEgressCas } from './egress-ca.js';
import { createRegistry, listAgents, takeOverAgents } from './agents.js';
import { executorApp, serviceInstances } from './instances.js';
import { checkKeys, createKeys, readBusSeed } from './keys.js';
import { packageFile } from './package-root.js';
import { deploymentPaths, type DeploymentPaths } from './paths.js';
import { renderServerConfig, type ServerConfigModel } from './render-server-config.js';
import { assertSafeServerConfig } from './safe-server-config.js';

const DeploymentFile = z.strictObject({
  v: z.literal(1),
  ledger: z.string(),
  tenant: AgentName,
  shards: z.int().min(1),
});

/** A data directory that this process has for itself until `close`. */
export interface Deployment {
  readonly config: WritConfig;
  readonly paths: DeploymentPaths;
  close(): Promise<void>;
}

/**
 * Opens the data directory of a deployment, and makes everything in it at the first start. Throws CONFIG_DATA_DIR_LOCKED when
 * another process has it, and CONFIG_DATA_DIR, CONFIG_DATA_DIR_CORRUPT or CONFIG_KEY when it is not whole, or its ledger ends just now.
 */
export async function openDeployment(options: {
  readonly dataDir: string;
  readonly config: WritConfig;
  /** For who ends the ledger and begins the next one: nobody else opens it meanwhile. */
  readonly isContinuing?: boolean;
}): Promise<Deployment> {
  const paths = deploymentPaths(options.dataDir);
  await makePrivateDirectory(paths.dataDir);
  const lock = await acquireLock(paths.lock);
  try {
    if (options.isContinuing !== true) await assertNotContinuing(paths);
    if (existsSync(paths.deploymentFile)) await check(paths, options.config);
    else await create(paths, options.config);
    await createAccessTokens(paths, options.config);
    await createEgressCas(paths, options.config);
    await takeOverAgents(paths, options.config.agents);
    return { config: options.config, paths, close: () => closeDeployment(lock) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function closeDeployment(lock: Lock): Promise<void> {
  return lock.release();
}

async function create(paths: DeploymentPaths, config: WritConfig): Promise<void> {
  // Streams without the file that is written last are evidence whose keys somebody lost: never start afresh over them.
  if (existsSync(paths.natsStore)) {
    throw new Fault(
      'CONFIG_DATA_DIR_CORRUPT',
      `\`${paths.deploymentFile}\` is missing, but there are streams in \`${paths.natsStore}\``,
    );
  }
  for (const directory of [paths.natsDir, paths.runDir]) await makePrivateDirectory(directory);
  await createKeys(paths, config);
  await createRegistry(paths, configuredUrl(config));
  // If the process dies before this line the next start makes new keys; nobody has used these.
  const { ledger, tenant, shards } = config;
  await writeFileAtomic(paths.deploymentFile, `${JSON.stringify({ v: 1, ledger, tenant, shards })}\n`);
}

async function check(paths: DeploymentPaths, config: WritConfig): Promise<void> {
  const made = await readDeploymentFile(paths);
  for (const field of ['ledger', 'tenant', 'shards'] as const) {
    if (made[field] !== config[field]) {
      throw new Fault(
        'CONFIG_DATA_DIR',
        `the data directory was made for ${field} \`${made[field]}\`, the configuration says \`${config[field]}\``,
      );
    }
  }
  await checkKeys(paths, config);
}

async function readDeploymentFile(paths: DeploymentPaths): Promise<z.infer<typeof DeploymentFile>> {
  const text = (await readFileIfPresent(paths.deploymentFile)) ?? '';
  try {
    return parse(DeploymentFile, JSON.parse(text), 'CONFIG_DATA_DIR_CORRUPT');
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${paths.deploymentFile}\` is damaged`, { cause });
  }
}

/** The tenant that the data directory was made for. Throws CONFIG_DATA_DIR_CORRUPT. */
export async function tenantOf(paths: DeploymentPaths): Promise<string> {
  return (await readDeploymentFile(paths)).tenant;
}

/**
 * Puts another name of the ledger in the place of the one that the data directory was made for. Throws CONFIG_DATA_DIR,
 * CONFIG_DATA_DIR_CORRUPT.
 */
export async function renameLedger(paths: DeploymentPaths, ledger: string): Promise<void> {
  const made = await readDeploymentFile(paths);
  if (made.ledger !== ledger) await writeFileAtomic(paths.deploymentFile, `${JSON.stringify({ ...made, ledger })}\n`);
}

function configuredUrl(config: WritConfig): string {
  const { host, port } = config.listen;
  return `nats://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;
}

export interface ServerPlace {
  /** `host:port`; port -1 lets the system choose. */
  readonly listen: string;
  readonly storeDir: string;
  readonly local?: { readonly portsDir: string; readonly logFile: string };
}

/** The server configuration of a deployment as it stands now, checked. `boot` adds the users that may provision the streams. */
export async function deploymentServerConfig(
  deployment: Pick<Deployment, 'config' | 'paths'>,
  place: ServerPlace,
  boot?: ServerConfigModel['boot'],
): Promise<string> {
  const { config, paths } = deployment;
  const publicKey = async (user: string) => (await readBusSeed(paths, user)).publicKey;
  const instances = await Promise.all(
    serviceInstances(config).map(async (instance) => ({ ...instance, key: await publicKey(instance.name) })),
  );
  const text = renderServerConfig(await readFile(packageFile('deploy', 'nats', 'nats-server.conf.template'), 'utf8'), {
    serverName: 'writ',
    ...place,
    tenant: config.tenant,
    shards: config.shards,
    ledgerBytesMax: config.limits.ledgerBytesMax,
    payloadBytesMax: config.limits.payloadBytesMax,
    agents: await listAgents(paths),
    decisionServices: instances.filter(({ app }) => app === 'policy-decision'),
    executors: EXECUTOR_KINDS.flatMap((kind) =>
      instances.flatMap(({ app, name, key }) => (app === executorApp(kind) ? [{ kind, name, key }] : [])),
    ),
    sealers: instances.filter(({ app }) => app === 'ledger'),
    exporters: instances.filter(({ app }) => app === 'siem-exporter'),
    sinks: config.siem.sinks.map(({ name }) => name),
    operator: await publicKey('operator'),
    watch: await publicKey('watch'),
    ...(boot !== undefined && { boot }),
  });
  assertSafeServerConfig(text);
  return text;
}
