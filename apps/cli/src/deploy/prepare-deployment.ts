import { loadCatalogue, type WritConfig } from '#writ/catalogue';
import {
  type Deployment,
  type DeploymentPaths,
  deploymentPaths,
  deploymentServerConfig,
  openDeployment,
  serviceInstances,
  setBusUrl,
  startBus,
} from '#writ/deployment';
import { Fault } from '#writ/faults';
import { findNatsServer } from '#writ/nats';
import { secretPlace } from '#writ/secrets';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { PACKAGE_ROOT } from '../package-root.js';

export interface PrepareOptions {
  /** Absolute path of writ.yaml. */
  readonly config: string;
  /** Data directory of the deployment: all keys, the root key included. */
  readonly dataDir: string;
  /** Gets `nats/nats-server.conf`, and a directory for each instance with its own keys. */
  readonly outDir: string;
  /** `host:port` that the server listens on where it will run. */
  readonly listen: string;
  /** Where the server will find the streams that are in `<data>/nats/store` here. */
  readonly store: string;
  /** What agents connect to; it goes into their profiles. */
  readonly agentUrl: string;
  /** Provision streams that were provisioned with other limits. No server may run on them. */
  readonly provision: boolean;
}

export interface Prepared {
  readonly provisioned: boolean;
  /** Instances that have a directory. */
  readonly instances: readonly string[];
}

/**
 * Makes all that services need which run as containers: keys, streams, server configuration, and for each instance a directory
 * with its own keys and nobody else's. The users that may create streams exist on a server of this process alone, on loopback.
 * What was made before stays. Throws CONFIG_*.
 */
export async function prepareDeployment(options: PrepareOptions, note: (line: string) => void): Promise<Prepared> {
  const { config } = await loadCatalogue(options.config, process.env);
  const local = { ...config, listen: { host: '127.0.0.1', port: 0 } };
  const deployment = await openDeployment({ dataDir: options.dataDir, config: local });
  try {
    const provisioned = await provisionOnce(deployment, options, note);
    await setBusUrl(deployment.paths, options.agentUrl);
    const place = { listen: options.listen, storeDir: options.store };
    await put(join(options.outDir, 'nats', 'nats-server.conf'), await deploymentServerConfig(deployment, place));
    const instances = await giveOutKeys(deployment.paths, config, options.outDir);
    return { provisioned, instances };
  } finally {
    await deployment.close();
  }
}

/** Streams are provisioned once: afterwards the server that others reach owns them, and two servers would destroy them. */
async function provisionOnce(
  deployment: Deployment,
  { provision, dataDir }: PrepareOptions,
  note: (line: string) => void,
): Promise<boolean> {
  const { ledgerBytesMax, payloadBytesMax, payloadDays } = deployment.config.limits;
  const marker = join(dataDir, 'provisioned.json');
  // Each sink has a consumer, which nobody can make on the server that others reach.
  const sinks = deployment.config.siem.sinks.map(({ name }) => name);
  const limits = { ledgerBytesMax, payloadBytesMax, payloadDays };
  const wanted = `${JSON.stringify(sinks.length === 0 ? limits : { ...limits, sinks })}\n`;
  const before = existsSync(marker) ? await readFile(marker, 'utf8') : undefined;
  if (before === wanted) return false;
  if (before !== undefined && !provision) {
    throw new Fault(
      'CONFIG_DATA_DIR',
      'the limits of the streams, or the sinks, changed: stop the nats-server that has the streams, then run this again with `--provision`',
    );
  }
  const found = await findNatsServer({
    env: process.env,
    packageRoot: PACKAGE_ROOT,
    log: (line) => note(`nats-server: ${line}`),
  });
  const bus = await startBus(deployment, { binary: found.binary });
  await bus.stop();
  // If the process dies before this line the streams are there, and the next run finds them as it would make them.
  await put(marker, wanted);
  return true;
}

/**
 * The store of secrets, and the identity that opens it, where they lie in the data directory: elsewhere they are beside the configuration, or
 * where the operator mounts them.
 */
function secretStore(
  { dataDir }: DeploymentPaths,
  { secrets }: WritConfig,
): { readonly store: string[]; readonly identity: string[] } {
  const place = secretPlace({}, { baseDirectory: dataDir, dataDir });
  const isHere = (declared: string | undefined, file: string) => declared === undefined && existsSync(file);
  return {
    store: isHere(secrets.file, place.file) ? [place.file] : [],
    identity: isHere(secrets.identity, place.identity) ? [place.identity] : [],
  };
}

async function giveOutKeys(paths: DeploymentPaths, config: WritConfig, outDir: string): Promise<readonly string[]> {
  const services = serviceInstances(config);
  const shared = [paths.rootVkey, paths.trustBundle];
  const { store, identity } = secretStore(paths, config);
  const own = (name: string) => [paths.producerKey(name), paths.natsSeed(name)];
  for (const { name, app } of services) {
    const values = app === 'ledger' ? [paths.logKey] : app === 'siem-exporter' ? [] : [paths.payloadKey];
    const decides = app === 'policy-decision' ? [paths.agentsFile, ...accessTokens(paths, config)] : [];
    // Executors alone use credentials. The identity goes first: a store that it does not open yet is opened a moment later.
    const secrets = app.endsWith('-executor') ? [...identity, ...store] : [];
    await copyAll(paths, join(outDir, name), [...shared, ...own(name), ...values, ...decides, ...secrets]);
  }
  const operators = [
    ...shared,
    paths.payloadKey,
    ...own('operator'),
    paths.logVkey,
    paths.agentsFile,
    paths.deploymentFile,
    // Without the identity: what it has to put on record is no secret, and it opens no value.
    ...store,
  ];
  await copyAll(paths, join(outDir, 'operator'), operators);
  return [...services.map(({ name }) => name), 'operator'];
}

function accessTokens(paths: DeploymentPaths, { authzen }: WritConfig): readonly string[] {
  return Object.keys(authzen?.clients ?? {}).map(paths.accessToken);
}

/** Copies files to the same places below another data directory. */
async function copyAll(paths: DeploymentPaths, target: string, files: readonly string[]): Promise<void> {
  const { dataDir } = deploymentPaths(target);
  for (const file of files) await put(join(dataDir, relative(paths.dataDir, file)), await readFile(file));
}

/** Writes the whole file or nothing, for its owner alone. */
async function put(file: string, data: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.draft`, data, { mode: 0o600 });
    await rename(`${file}.draft`, file);
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR', `\`${file}\` cannot be written`, { cause });
  }
}
