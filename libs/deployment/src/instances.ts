import type { WritConfig } from '#writ/catalogue';
import { EXECUTOR_KINDS, type ExecutorKind } from '#writ/contracts';
import type { Role } from '#writ/signing';

/** What executes commands; that of tunnels is the proxy that they go through. */
export type ExecutorApp = `${Exclude<ExecutorKind, 'tunnel'>}-executor` | 'egress-proxy';

/** The app that executes commands of that kind. */
export function executorApp(kind: ExecutorKind): ExecutorApp {
  return kind === 'tunnel' ? 'egress-proxy' : `${kind}-executor`;
}

/** One process of a deployment that has its own keys. The name is its user on the bus and, for executors, its producer. */
export interface ServiceInstance {
  readonly name: string;
  readonly role: Role;
  /** The folder of `apps/` that it runs. */
  readonly app: 'policy-decision' | 'ledger' | 'siem-exporter' | ExecutorApp;
  readonly producers: readonly string[];
}

/**
 * The decision services, executors, sealers and, when there are sinks, the exporter that the configuration asks for. Any decision
 * service may own any shard. One sealer owns the log and signs the tree, others stand by. The exporter is one: each sink has one cursor.
 */
export function serviceInstances(config: WritConfig): readonly ServiceInstance[] {
  const shardProducers = Array.from({ length: config.shards }, (_, shard) => `pdp-${shard}`);
  return [
    ...count(config.instances.policyDecision).map((n) => ({
      name: `pdp-${n}`,
      role: 'pdp' as const,
      app: 'policy-decision' as const,
      producers: shardProducers,
    })),
    ...EXECUTOR_KINDS.flatMap((kind) =>
      count(executorCount(config, kind)).map((n) => {
        const name = kind === 'tunnel' ? `egress-proxy-${n}` : `exec-${kind}-${n}`;
        return { name, role: executorApp(kind), app: executorApp(kind), producers: [name] };
      }),
    ),
    ...count(config.instances.ledger).map((n) => ({
      name: `ledger-${n}`,
      role: 'ledger' as const,
      app: 'ledger' as const,
      producers: ['ledger'],
    })),
    ...(config.siem.sinks.length === 0
      ? []
      : [{ name: 'siem-1', role: 'siem' as const, app: 'siem-exporter' as const, producers: ['siem-1'] }]),
  ];
}

// The database in the data directory is opened by one process alone; one with a URL serves any number. A tunnel is carried by the
// process that its client is connected to, so there is one proxy.
function executorCount({ instances, memory, egressProxy }: WritConfig, kind: ExecutorKind): number {
  if (kind === 'tunnel') return egressProxy === undefined ? 0 : 1;
  return kind === 'memory' && memory.postgresUrl === undefined ? 1 : instances.executors;
}

function count(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}
