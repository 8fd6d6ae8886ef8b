import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { WritConfig } from '#writ/catalogue';
import { Fault, messageOf } from '#writ/faults';
import { readAuthorization, unauthenticated } from './authorization.js';
import { certificateIdentity, type Identity } from './certificate-identity.js';
import type { Agents, ProxiedAgent, ProxyLog } from './ports.js';
import { readBody } from './read-body.js';
import { headersOf, readConnect, readForwarded, readInspected, type ReadRequest } from './read-head.js';
import { refusalBytes, refusalOf } from './refusal.js';
import type { TunnelClient, Tunnels } from './tunnels.js';
import { urlUpgrader } from './upgraded-url.js';
import { writeAnswer } from './write-answer.js';

/** Ends the TLS of a client that wants to speak to an authority that is looked into. */
export interface Inspector {
  /** Whether the TLS of that host and port ends here. */
  covers(host: string, port: number): boolean;
  /** The plain side of the client's TLS, once it is there and for that host. Rejects for anything else. */
  unwrap(client: Duplex, head: Buffer, host: string): Promise<Duplex>;
}

export interface ProxyOptions {
  readonly agents: Agents;
  readonly tunnels: Pick<Tunnels, 'open'>;
  readonly inspector?: Inspector | undefined;
  readonly destinations: WritConfig['destinations'];
  readonly connectionsMax: number;
  readonly requestsPerAgentMax: number;
  readonly log: ProxyLog;
}

/** What is known of one connection. */
interface Connection {
  /** What was read before is done with, one after the other. */
  tail: Promise<void>;
  waiting: number;
  /** Something on it was refused: nothing that follows is dispatched. */
  isPoisoned: boolean;
  readonly identity?: Identity | undefined;
  /** Of what is said inside a client's own TLS: whom it believes to speak to. */
  readonly authority?: string | undefined;
}

/** Slower clients are cut off, as are heads over 16 KiB. */
const HTTP_LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384,
  insecureHTTPParser: false,
  // Node would answer that by itself, and go on with what is pipelined behind it.
  requireHostHeader: false,
};

/** The HTTP side of the proxy: reads requests, finds out whose they are, and has them decided one after the other. */
export class ProxyServer {
  readonly #connections = new WeakMap<Duplex, Connection>();
  readonly #inFlight = new Map<string, number>();
  readonly #inner = this.#wired(createServer(HTTP_LIMITS));
  readonly #upgraded: (url: string) => string;

  constructor(private readonly options: ProxyOptions) {
    this.#upgraded = urlUpgrader(options.destinations);
  }

  /** A server that is to be bound by the caller. With an identity, who reaches it is that agent; without, its requests bring a token. */
  bindable(identity?: Identity): Server {
    const server = this.#wired(createServer(HTTP_LIMITS));
    server.maxConnections = this.options.connectionsMax;
    return server.prependListener('connection', (socket: Duplex) => this.#adopt(socket, { identity }));
  }

  /** The same over TLS. A client certificate says who asks on its connection; without one, requests bring a token. */
  bindableOverTls(tls: TlsOptions): TlsServer {
    const server = this.#wired(createTlsServer({ ...HTTP_LIMITS, ...tls }));
    server.maxConnections = this.options.connectionsMax;
    // Nobody is there yet to be told anything.
    server.prependListener('tlsClientError', (_error, socket: TLSSocket) => socket.destroy());
    return server.prependListener('secureConnection', (socket: TLSSocket) =>
      this.#adopt(socket, { identity: certificateIdentity(socket, this.options.agents, Date.now) }),
    );
  }

  #wired<T extends Server | TlsServer>(server: T): T {
    server
      .on('request', (request, response) => this.#dispatch(request, response))
      .on('checkContinue', (request, response) => this.#dispatch(request, response))
      .on('checkExpectation', (request, response) => this.#dispatch(request, response))
      .on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#connect(request, socket, head))
      .on('clientError', (error, socket) => this.#unreadable(error, socket));
    return server;
  }

  #adopt(socket: Duplex, known: Pick<Connection, 'identity' | 'authority'>): Connection {
    const connection = { tail: Promise.resolve(), waiting: 0, isPoisoned: false, ...known };
    this.#connections.set(socket, connection);
    return connection;
  }

  #of(socket: Duplex): Connection {
    return this.#connections.get(socket) ?? this.#adopt(socket, {});
  }

  /** The parser reads on while a request is decided, so what it reads waits here. */
  #dispatch(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#of(request.socket);
    connection.waiting += 1;
    connection.tail = connection.tail
      .then(() => (connection.isPoisoned ? undefined : this.#serve(request, response, connection)))
      .finally(() => (connection.waiting -= 1));
  }

  async #serve(request: IncomingMessage, response: ServerResponse, connection: Connection): Promise<void> {
    const call = randomUUID();
    let asked: string | undefined;
    try {
      const headers = headersOf(request);
      const agent = this.#agentOf(connection, headers);
      const read = this.#read(request, headers, connection);
      const release = this.#enter(agent);
      try {
        if (headers.has('expect')) response.writeContinue();
        const body = await readBody(request);
        asked = call;
        const { url, ...init } = read;
        const completed = await agent.fetch(url, { ...init, ...(body !== undefined && { body }) }, call);
        writeAnswer(completed, response);
      } finally {
        release();
      }
    } catch (error) {
      // INVARIANT: set before anything else happens, so that what the parser has read meanwhile goes nowhere.
      connection.isPoisoned = true;
      const { status, headers, body } = refusalOf(error, asked);
      this.options.log.info({ call: asked, status, code: headers['writ-code'], detail: messageOf(error) }, 'refused');
      if (response.headersSent) response.destroy();
      else response.writeHead(status, headers).end(body);
    }
  }

  #read(request: IncomingMessage, headers: ReadonlyMap<string, string>, { authority }: Connection): ReadRequest {
    if (authority !== undefined) return readInspected(request, headers, authority);
    const read = readForwarded(request, headers);
    return { ...read, url: this.#upgraded(read.url) };
  }

  #agentOf({ identity }: Connection, headers: ReadonlyMap<string, string>): ProxiedAgent {
    const shown = headers.get('proxy-authorization');
    const agent = identity === undefined ? this.options.agents.byClaim(readAuthorization(shown)) : identity();
    if (agent === undefined) throw unauthenticated();
    // A token from elsewhere makes nobody another agent, and what says two names is not asked which one it means.
    if (
      identity !== undefined &&
      shown !== undefined &&
      this.options.agents.byClaim(readAuthorization(shown)) !== agent
    )
      throw new Fault('PROXY_BAD_REQUEST', 'who asks is known here, and the token is that of another');
    return agent;
  }

  /** Counts a request of the agent until the function that it gives is called. Throws BUSY. */
  #enter({ name }: ProxiedAgent): () => void {
    const count = this.#inFlight.get(name) ?? 0;
    const max = this.options.requestsPerAgentMax;
    if (count >= max) throw new Fault('BUSY', `the agent has ${max} requests at work`);
    this.#inFlight.set(name, count + 1);
    return () => {
      const left = (this.#inFlight.get(name) ?? 1) - 1;
      if (left === 0) this.#inFlight.delete(name);
      else this.#inFlight.set(name, left);
    };
  }

  #connect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const connection = this.#of(socket);
    // Behind another request that is still at work, or was refused, or inside a client's TLS, there is no tunnel. The parser has let go
    // of the connection, so nothing that follows is read.
    if (connection.isPoisoned || connection.waiting > 0 || connection.authority !== undefined) {
      void connection.tail.finally(() => socket.end());
      return;
    }
    try {
      const headers = headersOf(request);
      const agent = this.#agentOf(connection, headers);
      const to = readConnect(request, headers);
      if (this.options.inspector?.covers(to.host, to.port) === true)
        void this.#inspect(agent, to, { socket, head, identity: connection.identity });
      else void this.options.tunnels.open(agent, to, { socket, head });
    } catch (error) {
      this.options.log.info({ detail: messageOf(error) }, 'refused a tunnel');
      socket.end(refusalBytes(refusalOf(error)));
    }
  }

  /** Nothing has an effect yet: each request inside is decided by itself. */
  async #inspect(
    agent: ProxiedAgent,
    { host, port }: { readonly host: string; readonly port: number },
    { socket, head, identity }: TunnelClient & Pick<Connection, 'identity'>,
  ): Promise<void> {
    try {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      const plain = await this.options.inspector?.unwrap(socket, head, host);
      if (plain === undefined) return;
      const authority = port === 443 ? host : `${host}:${port}`;
      // The agent is looked up for each request: who is gone meanwhile, or has another key, is nobody.
      const present = identity ?? (() => this.options.agents.byName(agent.name));
      this.#adopt(plain, { authority, identity: () => (present() === agent ? agent : undefined) });
      this.#inner.emit('connection', plain);
    } catch (error) {
      this.options.log.info({ agent: agent.name, detail: messageOf(error) }, 'a tunnel that is looked into was closed');
      socket.destroy();
    }
  }

  /** What is no HTTP gets no more than that, and the connection ends. */
  #unreadable(error: Error, socket: Duplex): void {
    const connection = this.#of(socket);
    connection.isPoisoned = true;
    this.options.log.info({ detail: error.message }, 'what came is no HTTP');
    if (connection.waiting > 0 || !socket.writable) socket.destroy();
    else socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  }
}
