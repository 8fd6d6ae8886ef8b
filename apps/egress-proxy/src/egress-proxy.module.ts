import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { deploymentPaths, readEgressCa } from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import { LocalCa } from '#writ/local-ca';
import { dialDecided } from '#writ/outbound';
import type { Executor, ServiceContext } from '#writ/service-host';
import { AgentFolder } from './agent-folder.js';
import { listenForPrograms, programAgents } from './program-sockets.js';
import type { EgressProxyConfig } from './config.js';
import { type ListenerPlaces, listenerTls, type ProxyTls } from './listener-tls.js';
import type { ProxyLog } from './ports.js';
import { ProxyServer } from './proxy-server.js';
import { TlsInspector } from './tls-inspector.js';
import { TunnelRunner } from './tunnel-runner.js';
import { Tunnels } from './tunnels.js';

const RENEW_EVERY_MS = 86_400_000;

/** Wires the egress proxy: the agents it acts for, the listener, and the executor of tunnels. Throws CONFIG_INVALID, CONFIG_PORT_IN_USE. */
export async function egressProxy(context: ServiceContext, settings: EgressProxyConfig): Promise<Executor> {
  const { catalogue, log } = context;
  const { egressProxy: declared, destinations } = catalogue.config;
  if (declared === undefined) throw new Fault('CONFIG_INVALID', 'the configuration has no `egressProxy`');
  const paths = deploymentPaths(settings.WRIT_DATA);
  const tunnels = new Tunnels(declared.tunnelsPerAgentMax);
  const agents = new AgentFolder({
    directory: settings.WRIT_PROXY_AGENTS ?? paths.agentsDir,
    tenant: catalogue.config.tenant,
    onGone: (agent) => tunnels.stop(agent),
    log,
  });
  await agents.open();
  const { connectionsMax, requestsPerAgentMax } = declared;
  const inspector =
    declared.inspect.length === 0
      ? undefined
      : new TlsInspector(await LocalCa.open(await readEgressCa(paths), Date.now), catalogue.config);
  const limits = { connectionsMax, requestsPerAgentMax };
  const proxy = new ProxyServer({ agents, tunnels, inspector, destinations, ...limits, log });
  const { baseDirectory } = catalogue;
  const server = await listener(proxy, declared.tls, { paths, baseDirectory, log });
  await listen(server, declared.listen);
  const sockets = await listenForPrograms(programAgents(catalogue.config), {
    directoryOf: paths.egressDir,
    bindable: (agent) => proxy.bindable(() => agents.byName(agent)),
  });
  // Before anything else that a stop does: a tunnel that goes on would outlast it, and nobody could say how it ended.
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(event, () => tunnels.stopAll());
  const { port } = server.address() as AddressInfo;
  log.info({ host: declared.listen.host, port }, `the proxy listens${declared.tls === undefined ? '' : ' for TLS'}`);
  return {
    kind: 'tunnel',
    runner: new TunnelRunner(catalogue, { tunnels, dial: dialDecided, now: Date.now }),
    isReady: () => true,
    details: () => ({ proxyPort: port, tunnels: tunnels.count }),
    close: async () => {
      for (const each of [server, ...sockets]) {
        each.close();
        each.closeAllConnections();
      }
      await agents.close();
    },
  };
}

/** The proxy's server, not yet bound. Over TLS it shows another certificate each day, long before the one before has expired. */
async function listener(
  proxy: ProxyServer,
  tls: ProxyTls | undefined,
  { log, ...places }: ListenerPlaces & { readonly log: ProxyLog },
): Promise<Server | TlsServer> {
  if (tls === undefined) return proxy.bindable();
  const server = proxy.bindableOverTls(await listenerTls(tls, places));
  const renew = () =>
    listenerTls(tls, places).then(
      (options) => server.setSecureContext(options),
      (error: unknown) => log.warn({ detail: messageOf(error) }, 'the certificate of the proxy stays as it is'),
    );
  const renewal = setInterval(() => void renew(), RENEW_EVERY_MS).unref();
  return server.once('close', () => clearInterval(renewal));
}

/** Throws CONFIG_PORT_IN_USE, CONFIG_INVALID. */
async function listen(
  server: Server | TlsServer,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (cause) {
    const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    if (isTaken) throw new Fault('CONFIG_PORT_IN_USE', `the port ${port} of the egress proxy is in use`, { cause });
    throw new Fault('CONFIG_INVALID', `the egress proxy cannot listen at \`${host}:${port}\``, { cause });
  }
}
