import { subjects } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { makePrivateDirectory, writeFileAtomic } from '#writ/files';
import {
  connectBus,
  createUserNkey,
  isBusError,
  provisionStreams,
  startNatsServer,
  trimLedger,
  type Bus,
  type NatsServer,
  type UserNkey,
} from '#writ/nats';
import { existsSync, watch } from 'node:fs';
import { setBusUrl } from './agents.js';
import { deploymentServerConfig, type Deployment, type ServerPlace } from './deployment.js';
import { COMMAND_BYTES_MAX, PAYLOAD_KEY_BYTES_MAX, POOL, SEALED_STREAM_BYTES_MAX } from './render-server-config.js';

/** The bus of a deployment on this machine: server, accounts, streams. */
export interface RunningBus {
  readonly url: string;
  readonly place: ServerPlace;
  readonly server: NatsServer;
  /** Lets the server take the agents as the registry has them now. A removed agent is disconnected at once. */
  applyAgents(): Promise<void>;
  /**
   * Removes the messages of LEDGER before that sequence and returns the first that is left, by a user that exists for this purpose
   * and for so long. What may go is the caller's to know. Throws LEDGER_INTEGRITY, and what the server refuses with.
   */
  trimLedger(firstSeq: number): Promise<number>;
  stop(): Promise<void>;
}

/** Where the server runs, and how it is started there from the configuration file in the data directory. */
export interface BusHost {
  readonly place: ServerPlace;
  start(): Promise<NatsServer>;
}

export interface StartBusOptions {
  /** The nats-server to run on this machine, or a host that runs one. */
  readonly binary: string | BusHost;
  /** The server ended without having been told to. */
  readonly onExit?: (reason: string) => void;
  /** A change of the registry could not be applied; the server goes on with what it had. */
  readonly onError?: (error: unknown) => void;
}

interface BootUsers {
  readonly ledger: UserNkey;
  readonly gateway: UserNkey;
}

const WATCH_SETTLE_MS = 20;
const BOOT_USER = 'boot';

/**
 * Starts the server, makes sure of the streams, and takes the users away that could. Their keys exist in this process for
 * that time only. From then on nobody can change a stream, this process included.
 */
export async function startBus(deployment: Deployment, options: StartBusOptions): Promise<RunningBus> {
  const host =
    typeof options.binary === 'string' ? localHost(deployment, options.binary, options.onExit) : options.binary;
  const boot: BootUsers = { ledger: createUserNkey(), gateway: createUserNkey() };
  await writeServerConfig(deployment, host.place, boot);
  const server = await host.start();
  try {
    await provision(deployment, server.url, boot);
    await setBusUrl(deployment.paths, server.url);
    await writeServerConfig(deployment, host.place);
    await server.reload();
    await assertGone(server.url, boot);
    return runningBus(deployment, { server, place: host.place, onError: options.onError });
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function localHost(deployment: Deployment, binary: string, onExit: StartBusOptions['onExit']): BusHost {
  const { config, paths } = deployment;
  return {
    place: {
      listen: `${config.listen.host}:${config.listen.port === 0 ? -1 : config.listen.port}`,
      storeDir: paths.natsStore,
      local: { portsDir: paths.natsPorts, logFile: paths.natsLog },
    },
    start: async () => {
      await makePrivateDirectory(paths.natsStore);
      return startNatsServer({
        binary,
        configFile: paths.natsConfig,
        portsDir: paths.natsPorts,
        logFile: paths.natsLog,
        ...(onExit !== undefined && { onExit }),
      });
    },
  };
}

function runningBus(
  deployment: Deployment,
  running: {
    readonly server: NatsServer;
    readonly place: ServerPlace;
    readonly onError: StartBusOptions['onError'];
  },
): RunningBus {
  const { server } = running;
  let changes: Promise<void> = Promise.resolve();
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const next = changes.then(change);
    changes = next.then(
      () => undefined,
      () => undefined,
    );
    return next;
  };
  const applyAgents = () =>
    inTurn(async () => {
      await writeServerConfig(deployment, running.place);
      await server.reload();
    });
  const stopWatching = onRegistryChange(deployment, () => {
    applyAgents().catch((error: unknown) => running.onError?.(error));
  });
  return {
    url: server.url,
    place: running.place,
    server,
    applyAgents,
    trimLedger: (firstSeq) => inTurn(() => asBoot(deployment, running, (boot) => trimLedger(boot, firstSeq))),
    stop: async () => {
      stopWatching();
      await changes;
      await server.stop();
    },
  };
}

/** Lets the user in that may change streams, for one act, and makes sure that it is gone again. */
async function asBoot<T>(
  deployment: Deployment,
  { server, place }: { readonly server: NatsServer; readonly place: ServerPlace },
  act: (boot: Bus) => Promise<T>,
): Promise<T> {
  const boot: BootUsers = { ledger: createUserNkey(), gateway: createUserNkey() };
  await writeServerConfig(deployment, place, boot);
  await server.reload();
  try {
    const bus = await connectAsBoot(server.url, boot.ledger);
    return await act(bus).finally(() => bus.close());
  } finally {
    await writeServerConfig(deployment, place);
    await server.reload();
    await assertGone(server.url, boot);
  }
}

/** `writ agent add` is another process: it changes the registry, and this one tells the server. */
function onRegistryChange(deployment: Deployment, listener: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(deployment.paths.dataDir, (_, file) => {
    if (file !== 'agents.json') return;
    clearTimeout(timer);
    timer = setTimeout(listener, WATCH_SETTLE_MS);
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}

async function writeServerConfig(deployment: Deployment, place: ServerPlace, boot?: BootUsers): Promise<void> {
  const publicKeys = boot && { ledger: boot.ledger.publicKey, gateway: boot.gateway.publicKey };
  await writeFileAtomic(deployment.paths.natsConfig, await deploymentServerConfig(deployment, place, publicKeys));
}

async function provision(deployment: Deployment, url: string, boot: BootUsers): Promise<void> {
  const { limits } = deployment.config;
  const { streamsFile } = deployment.paths;
  const isFirst = !existsSync(streamsFile);
  const ledger = await connectAsBoot(url, boot.ledger);
  const gateway = await connectAsBoot(url, boot.gateway);
  try {
    await provisionStreams(ledger, gateway, {
      ledgerBytesMax: limits.ledgerBytesMax,
      payloadBytesMax: limits.payloadBytesMax,
      payloadDays: limits.payloadDays,
      payloadKeyBytesMax: PAYLOAD_KEY_BYTES_MAX,
      commandBytesMax: COMMAND_BYTES_MAX,
      sealedBytesMax: SEALED_STREAM_BYTES_MAX,
      sinks: deployment.config.siem.sinks.map(({ name }) => name),
      pool: POOL,
      mayCreate: isFirst,
    });
    // If the process dies before this the streams are there and empty, and the next start may make what is missing of them.
    if (isFirst) await writeFileAtomic(streamsFile, '{"v":1}\n');
  } finally {
    await Promise.all([ledger.close(), gateway.close()]);
  }
}

function connectAsBoot(url: string, { seed }: UserNkey): Promise<Bus> {
  return connectBus({ servers: url, seed, user: BOOT_USER, inboxPrefix: subjects.inboxPrefix(BOOT_USER) });
}

/** The server said that it read its configuration again; that the users are gone is seen only by trying. */
async function assertGone(url: string, boot: BootUsers): Promise<void> {
  for (const user of [boot.ledger, boot.gateway]) {
    try {
      const bus = await connectAsBoot(url, user);
      await bus.close();
    } catch (error) {
      if (isBusError(error, 'permission')) continue;
      throw error;
    }
    throw new Fault('CONFIG_NATS_SERVER_UNSAFE', 'the server still takes the user that provisions the streams');
  }
}
