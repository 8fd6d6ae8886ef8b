import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a service says of itself. */
export interface Health {
  /** The process can do its work now; false takes it out of rotation. */
  readonly isReady: () => boolean;
  readonly details: () => Record<string, unknown>;
}

/** `GET /healthz` (alive) and `GET /readyz` (200 or 503, with details) on loopback or the given host. Port 0 takes a free one. */
export async function serveHealth(
  health: Health,
  where: { readonly host: string; readonly port: number },
): Promise<Server> {
  const server = createServer(
    { requestTimeout: 5_000, headersTimeout: 5_000, keepAliveTimeout: 1_000, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      const isReady = health.isReady();
      const status = request.url === '/healthz' ? 200 : request.url === '/readyz' ? (isReady ? 200 : 503) : 404;
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify(status === 404 ? {} : { ready: isReady, ...health.details() }));
    },
  );
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where.port, where.host, resolve);
  });
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
