import type { AddressInfo } from 'node:net';
import type { AuthZenDeclaration } from '#writ/catalogue';
import { deploymentPaths, readAccessTokens } from '#writ/deployment';
import { Fault } from '#writ/faults';
import type { ServiceContext } from '#writ/service-host';
import type { Explainer } from '../explainer.js';
import type { PolicyErrors } from '../policy-errors.js';
import type { DecidingShard } from '../ports.js';
import type { Shadow } from '#writ/authorisation';
import { AccessPoint } from './access-point.js';
import { createAccessServer } from './access-server.js';
import { AccessTokens } from './access-tokens.js';

/** The access API while it listens. */
export interface OpenAccess {
  readonly port: number;
  /** Takes no more questions, and records what was counted. */
  close(): Promise<void>;
}

export interface AccessGrounds {
  readonly shard: () => DecidingShard | undefined;
  readonly shadow: Shadow;
  readonly policyErrors: PolicyErrors;
  readonly explainer: Explainer;
}

const REQUEST_TIMEOUT_MS = 5_000;
const FLUSH_EVERY_MS = 5_000;

/** Listens for enforcement points when the configuration says so. Throws CONFIG_KEY and CONFIG_PORT_IN_USE. */
export async function openAccess(context: ServiceContext, grounds: AccessGrounds): Promise<OpenAccess | undefined> {
  const { settings, catalogue, log } = context;
  const { authzen } = catalogue.config;
  if (authzen === undefined) return undefined;
  const paths = deploymentPaths(settings.WRIT_DATA);
  const tokens = new AccessTokens(authzen.clients, await readAccessTokens(paths, Object.keys(authzen.clients)));
  const port = portOf(authzen, settings.WRIT_INSTANCE);
  const { host } = authzen.listen;
  const portNow = (): number => (server.address() as AddressInfo).port;
  const onLost = (error: string) => log.error({ detail: error }, 'a refused question could not be recorded');
  const point = new AccessPoint({
    ...grounds,
    mapping: authzen,
    pseudonym: (subject) => context.tenantKeys.pseudonym(subject),
    now: Date.now,
    onLost,
  });
  const server = createAccessServer({
    point,
    tokens,
    requestsInFlightMax: authzen.requestsInFlightMax,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    publicUrl: () => authzen.publicUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${portNow()}`,
    log,
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Fault('CONFIG_PORT_IN_USE', `the access API cannot listen on ${host}:${port}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const timer = setInterval(() => void point.flush(), FLUSH_EVERY_MS);
  const close = async () => {
    clearInterval(timer);
    server.close();
    server.closeIdleConnections();
    await point.flush(true);
  };
  return { port: portNow(), close };
}

/** Decision services on one machine each have a port: that of the configuration, the next one, and so on. */
export function portOf({ listen }: Pick<AuthZenDeclaration, 'listen'>, instance: string): number {
  const number = Number(/-([0-9]+)$/.exec(instance)?.[1] ?? 1);
  return listen.port === 0 ? 0 : listen.port + number - 1;
}
