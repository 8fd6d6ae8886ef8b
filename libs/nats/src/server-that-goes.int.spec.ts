import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Bus } from './bus.js';
import { connectBus } from './connect-bus.js';
import { createUserNkey } from './nkey.js';

const INFO = { server_id: 'x', version: '2.15.0', proto: 1, host: 'h', port: 1, headers: true, max_payload: 1_000_000 };
/** More than the system keeps between two sockets. */
const PUBLISHES = 40;

/** A server that goes at a moment that a real one hardly ever hits: it has ended the connection, and the client still has data for it. */
class GoingServer {
  readonly taken: Socket[] = [];
  private constructor(private readonly server: Server) {}

  static async start(): Promise<GoingServer> {
    const server = createServer();
    const self = new GoingServer(server);
    server.on('connection', (socket) => {
      self.taken.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        for (const _ of data.toString('latin1').matchAll(/PING\r\n/g)) socket.write('PONG\r\n');
      });
      socket.write(`INFO ${JSON.stringify({ ...INFO, nonce: 'abc', auth_required: true })}\r\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return self;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.taken.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.server.close(resolve));
  }
}

describe('a bus whose server goes in the moment of a write', () => {
  const sockets: Socket[] = [];
  const note = (message: unknown) => void sockets.push((message as { readonly socket: Socket }).socket);
  let server: GoingServer;
  let bus: Bus;
  let uncaught: unknown[];
  const catchAll = (error: unknown) => void uncaught.push(error);

  beforeEach(async () => {
    [uncaught, sockets.length] = [[], 0];
    subscribe('net.client.socket', note);
    server = await GoingServer.start();
    bus = await connectBus({
      servers: server.url,
      seed: createUserNkey().seed,
      user: 'u',
      inboxPrefix: '_INBOX_u',
      onError: () => undefined,
    });
    process.on('uncaughtException', catchAll);
  });
  afterEach(async () => {
    process.off('uncaughtException', catchAll);
    unsubscribe('net.client.socket', note);
    await bus.close();
    await server.stop();
  });

  /** Resolves when the client's half of the connection is ended and has not gone yet: a write is an error from now on. */
  async function untilEnding(): Promise<void> {
    const [taken] = server.taken;
    taken?.pause();
    for (let n = 0; n < PUBLISHES; n++) bus.publish('a', Buffer.alloc(500_000));
    await nextTurn();
    taken?.end();
    const isEnded = () => sockets[0]?.writableEnded === true;
    while (!isEnded()) await nextTurn();
    expect(sockets[0]?.destroyed).toBe(false);
  }

  it('closes without an error that nobody hears and that would end the process', async () => {
    await untilEnding();
    bus.publish('b', 'the last word');
    await bus.close();
    await nextTurn();
    expect(uncaught).toEqual([]);
  });

  it('connects again and goes on', async () => {
    await untilEnding();
    bus.publish('b', 'this one is lost');
    while (server.taken.length < 2 || !bus.isConnected) await nextTurn();
    await expect(bus.flush()).resolves.toBeUndefined();
    expect(uncaught).toEqual([]);
  });
});
