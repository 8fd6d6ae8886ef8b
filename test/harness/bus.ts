import { WritConfig } from '#writ/catalogue';
import { subjects } from '#writ/contracts';
import {
  deploymentPaths,
  openDeployment,
  readProfile,
  startBus,
  type BusHost,
  type Deployment,
  type RunningBus,
} from '#writ/deployment';
import { connectBus, parseUserNkey, type Bus } from '#writ/nats';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTAINER_PLACE, hasContainers, startInContainer } from './container-host.js';
import { testNatsServer } from './nats-server.js';

export { testNatsServer };

/** A whole bus for one test file: server, accounts, keys, streams. It ends with the block that declares it. */
export interface TestBus extends AsyncDisposable {
  readonly url: string;
  readonly deployment: Deployment;
  readonly running: RunningBus;
  /** Connects as a service, `operator`, `siem-1`, `watch`, or an agent. Closed with the bus. */
  connect(user: string, onError?: (error: Error) => void): Promise<Bus>;
  /** The nkey seed of a service user or an agent. */
  seedOf(user: string): Promise<string>;
}

export interface TestBusOptions {
  /** Parts of `writ.yaml` that differ from a deployment of two agents, `a` and `b`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** A data directory to use and to keep; a fresh one that is removed at the end unless given. */
  readonly dataDir?: string;
}

/** Where a bus for tests can run: a server that is given, else a local one, else `container`. Undefined: skip the test. */
export async function testBusHost(): Promise<string | undefined> {
  return (await testNatsServer()) ?? ((await hasContainers()) ? 'container' : undefined);
}

/** Starts the bus as `writ up` does, on a port that the system chooses. */
export async function startTestBus(options: TestBusOptions = {}): Promise<TestBus> {
  const host = await testBusHost();
  if (host === undefined) throw new Error('there is no nats-server: guard the test with `testBusHost()`');
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'writ-bus-')));
  const config = WritConfig.parse({
    version: 1,
    ledger: 'test.example/default/0',
    listen: { port: 0 },
    agents: { a: { teams: ['red'] }, b: {} },
    limits: { ledgerBytesMax: 100_000_000, payloadBytesMax: 100_000_000 },
    ...options.config,
  });
  const deployment = await openDeployment({ dataDir, config });
  const binary: string | BusHost =
    host === 'container' ? { place: CONTAINER_PLACE, start: () => startInContainer(deployment) } : host;
  const running = await startBus(deployment, { binary }).catch(async (error: unknown) => {
    await deployment.close();
    throw error;
  });
  return testBus({ deployment, running, isKept: options.dataDir !== undefined });
}

function testBus(parts: {
  readonly deployment: Deployment;
  readonly running: RunningBus;
  readonly isKept: boolean;
}): TestBus {
  const { deployment, running } = parts;
  const { paths } = deployment;
  const connections: Bus[] = [];
  const seedOf = async (user: string) =>
    isAgent(user, deployment) ? (await readProfile(paths, user)).seed : serviceSeed(paths.dataDir, user);
  return {
    url: running.url,
    deployment,
    running,
    seedOf,
    connect: async (user, onError) => {
      const bus = await connectBus({
        servers: running.url,
        seed: await seedOf(user),
        user,
        inboxPrefix: isAgent(user, deployment) ? subjects.agentInboxPrefix(user) : subjects.inboxPrefix(user),
        ...(onError !== undefined && { onError }),
      });
      connections.push(bus);
      return bus;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(connections.map((bus) => bus.close()));
      await running.stop();
      await deployment.close();
      if (!parts.isKept) await rm(paths.dataDir, { recursive: true, force: true });
    },
  };
}

function isAgent(user: string, deployment: Deployment): boolean {
  return deployment.config.agents[user] !== undefined;
}

async function serviceSeed(dataDir: string, user: string): Promise<string> {
  return parseUserNkey(await readFile(deploymentPaths(dataDir).natsSeed(user), 'utf8')).seed;
}
