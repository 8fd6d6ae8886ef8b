import { assertAgentName, EXECUTOR_KINDS, type ExecutorKind } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { fillTemplate, type TemplateModel } from './template.js';

export interface NamedKey {
  readonly name: string;
  /** Public user nkey, `U…`. */
  readonly key: string;
}

/** Everything that a server configuration depends on. */
export interface ServerConfigModel {
  readonly serverName: string;
  /** `host:port`; port -1 lets the system choose. */
  readonly listen: string;
  readonly storeDir: string;
  /** Given when the server runs on this machine under our eyes; a container logs to its standard output instead. */
  readonly local?: { readonly portsDir: string; readonly logFile: string };
  readonly tenant: string;
  readonly shards: number;
  readonly ledgerBytesMax: number;
  readonly payloadBytesMax: number;
  readonly agents: readonly NamedKey[];
  readonly decisionServices: readonly NamedKey[];
  readonly executors: readonly (NamedKey & { readonly kind: ExecutorKind })[];
  readonly sealers: readonly NamedKey[];
  /** The SIEM exporter; none without sinks. */
  readonly exporters: readonly NamedKey[];
  /** Names of the sinks, each of which has a consumer. */
  readonly sinks: readonly string[];
  readonly operator: string;
  readonly watch: string;
  /** Users that may provision the streams. Present for the first seconds of a start only. */
  readonly boot?: { readonly ledger: string; readonly gateway: string };
}

export const POOL = 'default';
/** COMMANDS holds only what waits for an executor. */
export const COMMAND_BYTES_MAX = 256 * 1024 * 1024;
/** A key takes about 300 bytes, and each data subject has one a day, at each producer that has values of it. */
export const PAYLOAD_KEY_BYTES_MAX = 2_000_000_000;
/** Sealed entries are copied once more for exporters; the copy is gone after some days. */
export const SEALED_STREAM_BYTES_MAX = 1_000_000_000;
const STORE_SLACK_BYTES = 64 * 1024 * 1024;
const AGENT_CONNECTIONS_MAX = 10_000;
const AGENT_SUBSCRIPTIONS_MAX = 50_000;
const PUBLIC_USER_NKEY = /^U[A-Z2-7]{55}$/;

/** The nats-server configuration for the model. Every name and key is checked: one wildcard in a name would be everybody's right. */
export function renderServerConfig(template: string, model: ServerConfigModel): string {
  assertAgentName(model.tenant);
  const { agents, decisionServices, executors, sealers, exporters } = model;
  for (const user of [...agents, ...decisionServices, ...executors, ...sealers, ...exporters]) {
    assertAgentName(user.name);
    assertKey(user.key);
  }
  for (const executor of model.executors) {
    if (!EXECUTOR_KINDS.includes(executor.kind)) throw new Fault('CONFIG_INVALID', 'an executor has an unknown kind');
  }
  model.sinks.forEach(assertAgentName);
  [model.operator, model.watch, ...Object.values(model.boot ?? {})].forEach(assertKey);
  return fillTemplate(template, templateModel(model));
}

function templateModel(model: ServerConfigModel): TemplateModel {
  const ledgerAccountBytesMax =
    model.ledgerBytesMax + model.payloadBytesMax + PAYLOAD_KEY_BYTES_MAX + SEALED_STREAM_BYTES_MAX;
  return {
    serverName: model.serverName,
    listen: model.listen,
    storeDir: model.storeDir,
    local: model.local === undefined ? [] : [{ ...model.local }],
    tenant: model.tenant,
    pool: POOL,
    shardCount: model.shards,
    shards: Array.from({ length: model.shards }, (_, shard) => ({ shard })),
    agentConnectionsMax: AGENT_CONNECTIONS_MAX,
    agentSubscriptionsMax: AGENT_SUBSCRIPTIONS_MAX,
    commandBytesMax: COMMAND_BYTES_MAX,
    ledgerAccountBytesMax,
    storeBytesMax: ledgerAccountBytesMax + COMMAND_BYTES_MAX + STORE_SLACK_BYTES,
    agents: model.agents.map(({ name, key }) => ({ name, key })),
    decisionServices: model.decisionServices.map(({ name, key }) => ({ name, key })),
    executors: model.executors.map(({ name, key, kind }) => ({ name, key, kind })),
    sealers: model.sealers.map(({ name, key }) => ({ name, key })),
    readableStreams: [{ stream: 'LEDGER' }, { stream: 'PAYLOADS' }, { stream: 'PAYLOAD_KEYS' }],
    payloadStreams: [{ stream: 'PAYLOADS' }, { stream: 'PAYLOAD_KEYS' }],
    operator: model.operator,
    exporters: model.exporters.map(({ name, key }) => ({ name, key })),
    sinks: model.sinks.map((sink) => ({ sink })),
    watch: model.watch,
    boot: model.boot === undefined ? [] : [{ ...model.boot }],
  };
}

function assertKey(key: string): void {
  if (!PUBLIC_USER_NKEY.test(key)) throw new Fault('CONFIG_KEY', 'a user of the bus has no public user nkey');
}
