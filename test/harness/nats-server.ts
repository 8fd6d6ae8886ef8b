import { connectBus, createUserNkey, findNatsServer, startNatsServer, type Bus, type NatsServer } from '#writ/nats';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The nats-server that tests use: the one in WRIT_TEST_NATS_SERVER, else what `writ up` would find. Undefined, with the
 * reason on the console, when there is none.
 */
export async function testNatsServer(): Promise<string | undefined> {
  const given = process.env['WRIT_TEST_NATS_SERVER'];
  try {
    const { binary } = await findNatsServer({
      env: given === undefined ? process.env : { ...process.env, WRIT_NATS_SERVER: given },
      packageRoot: fileURLToPath(new URL('../../', import.meta.url)),
      log: () => undefined,
    });
    return binary;
  } catch (error) {
    console.warn('tests that need a nats-server are skipped:', error);
    return undefined;
  }
}

/** A server with one account and one user that may do everything, for tests of the adapter itself. */
export interface PlainServer extends AsyncDisposable {
  readonly directory: string;
  readonly configFile: string;
  server: NatsServer;
  connect(onError?: (error: Error) => void): Promise<Bus>;
  /** Starts the server again over the same data, on the same port. */
  restart(): Promise<void>;
}

export async function startPlainServer(settings = '', permissions = ''): Promise<PlainServer> {
  const binary = await testNatsServer();
  if (binary === undefined) throw new Error('there is no nats-server: guard the test with `testNatsServer()`');
  const directory = await mkdtemp(join(tmpdir(), 'writ-nats-'));
  const user = createUserNkey();
  const place = {
    binary,
    configFile: join(directory, 'server.conf'),
    portsDir: join(directory, 'ports'),
    logFile: join(directory, 'log'),
  };
  const configure = (port: number | string) =>
    writeFile(
      place.configFile,
      `listen: "127.0.0.1:${port}"\nports_file_dir: "${place.portsDir}"\nlog_file: "${place.logFile}"\n` +
        `jetstream { store_dir: "${directory}/js" }\n${settings}\n` +
        `authorization { users: [ { nkey: ${user.publicKey} ${permissions} } ] }\n`,
    );
  await configure(-1);
  const connections: Bus[] = [];
  const plain: PlainServer = {
    directory,
    configFile: place.configFile,
    server: await startNatsServer(place),
    connect: async (onError) => {
      const options = { servers: plain.server.url, seed: user.seed, user: 'test', inboxPrefix: '_INBOX_test' };
      const bus = await connectBus({ ...options, ...(onError !== undefined && { onError }) });
      connections.push(bus);
      return bus;
    },
    restart: async () => {
      await plain.server.kill();
      await configure(new URL(plain.server.url).port);
      plain.server = await startNatsServer(place);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(connections.map((bus) => bus.close()));
      await plain.server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return plain;
}
