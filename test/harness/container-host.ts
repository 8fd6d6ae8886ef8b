import type { Deployment, ServerPlace } from '#writ/deployment';
import type { NatsServer } from '#writ/nats';
import { readFile } from 'node:fs/promises';
import { GenericContainer, getContainerRuntimeClient, Wait, type StartedTestContainer } from 'testcontainers';

const IMAGE = 'nats:2.15';
const CONFIG = '/writ/nats-server.conf';
const PORT = 4222;
const RELOAD_MS = 5_000;

/** Inside the container: the log goes to its standard output, the data ends with it. */
export const CONTAINER_PLACE: ServerPlace = { listen: `0.0.0.0:${PORT}`, storeDir: '/writ/store' };

/** Whether a container runtime answers here. */
export async function hasContainers(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}

/** Runs the deployment's server in a container of the official image. */
export async function startInContainer(deployment: Deployment): Promise<NatsServer> {
  const config = () => readFile(deployment.paths.natsConfig, 'utf8');
  const container = await new GenericContainer(IMAGE)
    .withCopyContentToContainer([{ content: await config(), target: CONFIG }])
    .withCommand(['-c', CONFIG])
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .start();
  return {
    url: `nats://${container.getHost()}:${container.getMappedPort(PORT)}`,
    pid: 1,
    reload: async () => reloadIn(container, await config()),
    stop: async () => void (await container.stop()),
    kill: async () => void (await container.stop({ timeout: 0 })),
  };
}

async function reloadIn(container: StartedTestContainer, config: string): Promise<void> {
  const reloaded = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server did not reload in ${RELOAD_MS} ms`)), RELOAD_MS);
    void container.logs({ since: Math.floor(Date.now() / 1000), tail: 0 }).then((log) => {
      log.on('data', (line) => {
        if (!String(line).includes('Reloaded server configuration')) return;
        clearTimeout(timer);
        log.destroy();
        resolve();
      });
    }, reject);
  });
  await container.copyContentToContainer([{ content: config, target: CONFIG }]);
  await container.exec(['/nats-server', '--signal', 'reload=1']);
  await reloaded;
}
