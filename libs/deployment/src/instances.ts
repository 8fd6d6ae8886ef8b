import type { WritConfig } from '#writ/catalogue';
import { EXECUTOR_KINDS, type ExecutorKind } from '#writ/contracts';
import type { Role } from '#writ/signing';

/** One process of a deployment that has its own keys. The name is its user on the bus and, for executors, its producer. */
export interface ServiceInstance {
  readonly name: string;
  readonly role: Role;
  /** The folder of `apps/` that it runs. */
  readonly app: 'policy-decision' | 'ledger' | 'siem-exporter' | `${ExecutorKind}-executor`;
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
      count(executorCount(config, kind)).map((n) => ({
        name: `exec-${kind}-${n}`,
        role: `${kind}-executor` as const,
        app: `${kind}-executor` as const,
        producers: [`exec-${kind}-${n}`],
      })),
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

// The database in the data directory is opened by one process alone; one with a URL serves any number.
function executorCount({ instances, memory }: WritConfig, kind: ExecutorKind): number {
  return kind === 'memory' && memory.postgresUrl === undefined ? 1 : instances.executors;
}

function count(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}
