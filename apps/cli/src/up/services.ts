import { providerSources, sourcesOf, type WritConfig } from '#writ/catalogue';
import { EXECUTOR_KINDS, type ExecutorKind, subjects } from '#writ/contracts';
import { type DeploymentPaths, executorApp, serviceInstances } from '#writ/deployment';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../package-root.js';
import type { ServiceSpec } from './service-process.js';

const POOL = 'default';

/**
 * The processes that a configuration has work for, and what each is told through its environment. Executors of a kind that nothing is
 * declared of are not started: no call for them is ever approved.
 */
export function serviceSpecs(
  config: WritConfig,
  where: { readonly configFile: string; readonly paths: DeploymentPaths; readonly url: string },
): readonly ServiceSpec[] {
  const idle = EXECUTOR_KINDS.filter((kind) => !isDeclared(config, kind)).map(executorApp);
  const instances = serviceInstances(config).filter(({ app }) => !idle.some((each) => each === app));
  return instances.map(({ name, app }) => ({
    name,
    module: appModule(app),
    logFile: join(where.paths.runDir, `${name}.log`),
    environment: {
      ...(app.endsWith('-executor') ? process.env : withoutCredentials(config)),
      WRIT_CONFIG: where.configFile,
      WRIT_DATA: where.paths.dataDir,
      WRIT_INSTANCE: name,
      WRIT_NATS_URL: where.url,
      WRIT_HEALTH_HOST: '127.0.0.1',
      WRIT_HEALTH_PORT: '0',
      // Node 22 and later keep compiled code there; Node 20 knows nothing of it.
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(where.paths.dataDir, 'cache', 'node'),
    },
  }));
}

/** Whoever calls no tool has no use for the credentials of tools, and does not get them. */
function withoutCredentials({ credentials, secrets }: WritConfig): NodeJS.ProcessEnv {
  const ofProviders = Object.values(secrets.providers).flatMap(providerSources);
  const sources = [...Object.values(credentials).flatMap(sourcesOf), ...ofProviders];
  const names = new Set(sources.map((from) => ('env' in from ? from.env : '')));
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.has(name)));
}

/** The pools that the executors of a deployment serve, by the subjects they are heard on. */
export function poolSubjects(config: WritConfig): readonly string[] {
  const kinds = EXECUTOR_KINDS.filter((kind) => isDeclared(config, kind));
  return kinds.map((kind) => subjects.poolHeartbeat(kind, POOL));
}

function isDeclared({ tools, namespaces, destinations, egressProxy }: WritConfig, kind: ExecutorKind): boolean {
  const declared = { tool: tools, memory: namespaces, egress: destinations, tunnel: egressProxy ?? {} }[kind];
  return Object.keys(declared).length > 0;
}

function appModule(app: string): string {
  return join(PACKAGE_ROOT, 'dist', 'programs', `${app}.js`);
}
