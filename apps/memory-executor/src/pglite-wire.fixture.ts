import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';

const SSL_REQUEST = 80_877_103;
const TERMINATE = 'X'.charCodeAt(0);
const IDLE = 'I'.charCodeAt(0);

/** A PostgreSQL server for tests: it lets clients speak the wire protocol to a PGlite. */
export interface WireServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a PGlite on a loopback port. It has one session, so a client waits while the transaction of another is open. */
export async function serveWire(pglite: PGlite): Promise<WireServer> {
  const sockets = new Set<Socket>();
  const turns = new Turns();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    void serveClient(socket, pglite, turns).finally(async () => {
      sockets.delete(socket);
      // A server rolls back what a lost client left open.
      if (turns.holds(socket)) await pglite.exec('rollback');
      turns.release(socket);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

async function serveClient(socket: Socket, pglite: PGlite, turns: Turns): Promise<void> {
  let isStarted = false;
  let pending = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      pending = Buffer.concat([pending, chunk as Buffer]);
      for (;;) {
        // A message is a type byte (the first one has none), its length with these four bytes, and its content.
        const head = isStarted ? 1 : 0;
        if (pending.length < head + 4 || pending.length < head + pending.readUInt32BE(head)) break;
        const length = head + pending.readUInt32BE(head);
        const message = pending.subarray(0, length);
        pending = pending.subarray(length);
        if (isStarted && message[0] === TERMINATE) return;
        const isSslRequest: boolean = !isStarted && message.readUInt32BE(4) === SSL_REQUEST;
        isStarted ||= !isSslRequest;
        socket.write(isSslRequest ? 'N' : await turns.take(socket, () => pglite.execProtocolRaw(message)));
      }
    }
  } catch {
    // The client went away.
  }
}

/** Gives the session to one client at a time, from its first message until the server says that no transaction is open. */
class Turns {
  #holder: Socket | undefined;
  readonly #waiting: (() => void)[] = [];

  async take(client: Socket, act: () => Promise<Uint8Array>): Promise<Uint8Array> {
    while (this.#holder !== undefined && this.#holder !== client) {
      await new Promise<void>((proceed) => this.#waiting.push(proceed));
    }
    this.#holder = client;
    const answer = await act();
    const [kind, status] = [answer.at(-6), answer.at(-1)];
    if (kind === 'Z'.charCodeAt(0) && status === IDLE) this.release(client);
    return answer;
  }

  holds(client: Socket): boolean {
    return this.#holder === client;
  }

  release(client: Socket): void {
    if (this.#holder !== client) return;
    this.#holder = undefined;
    for (const proceed of this.#waiting.splice(0)) proceed();
  }
}
