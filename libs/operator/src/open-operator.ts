import { AgentName, parse, subjects } from '#writ/contracts';
import {
  deploymentPaths,
  type DeploymentPaths,
  readBusSeed,
  readPayloadKey,
  readSigningKey,
  readTrustBundle,
} from '#writ/deployment';
import { Fault } from '#writ/faults';
import {
  BlockWriter,
  NatsBlockLog,
  NatsKeyLog,
  NatsPayloadLog,
  PayloadOpener,
  PayloadSealer,
} from '#writ/ledger-client';
import { type Bus, connectBus, isBusError, StreamReader } from '#writ/nats';
import { Authority } from '#writ/signing';
import type { TenantKeys } from '#writ/vault';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { findRunStatus } from './run-status.js';

/** The user and the producer that people at the command line are. */
export const OPERATOR = 'operator';
/** The operator lives in the ledger's own account, so the API has no other prefix. */
const API_PREFIX = '$JS.API';
const CONNECT_TIMEOUT_MS = 3_000;

/** A connection with the right to read the whole ledger and its values, and to write the operator's own entries. */
export interface Operator {
  readonly paths: DeploymentPaths;
  readonly bus: Bus;
  readonly blocks: NatsBlockLog;
  readonly streams: StreamReader;
  readonly payloads: NatsPayloadLog;
  readonly authority: Authority;
  readonly values: PayloadOpener;
  readonly tenantKeys: TenantKeys;
  /** The wrapped data keys of the vault. */
  readonly dataKeys: NatsKeyLog;
  /** Continues the operator's chain of blocks. Another operator at the same time is fenced: see `recordIdentities`. */
  openWriter(): Promise<BlockWriter>;
  close(): Promise<void>;
}

export interface OpenOperatorOptions {
  readonly dataDir: string;
  /** Where the bus is; asked from the running `writ up` when absent. */
  readonly url?: string | undefined;
}

/**
 * Connects as the operator of a deployment. Throws CONFIG_DATA_DIR when there is no deployment, CONFIG_NOT_RUNNING when no bus
 * answers, and CONFIG_KEY.
 */
export async function openOperator(options: OpenOperatorOptions): Promise<Operator> {
  const paths = deploymentPaths(options.dataDir);
  const { tenant } = await readDeployment(paths);
  const url = options.url ?? (await findRunStatus(paths))?.url;
  if (url === undefined) {
    throw new Fault('CONFIG_NOT_RUNNING', `no \`writ up\` runs with the data directory \`${paths.dataDir}\``);
  }
  const [{ seed }, tenantKeys, key, bundle] = await Promise.all([
    readBusSeed(paths, OPERATOR),
    readPayloadKey(paths),
    readSigningKey(paths.producerKey(OPERATOR)),
    readTrustBundle(paths),
  ]);
  const bus = await connect(url, seed);
  const blocks = new NatsBlockLog(bus, API_PREFIX);
  const payloads = new NatsPayloadLog(bus, API_PREFIX);
  const authority = new Authority(bundle);
  return {
    paths,
    bus,
    blocks,
    streams: new StreamReader(bus, { apiPrefix: API_PREFIX }),
    payloads,
    authority,
    values: new PayloadOpener(payloads, tenantKeys),
    tenantKeys,
    dataKeys: new NatsKeyLog(bus, API_PREFIX),
    openWriter: () =>
      BlockWriter.open({
        blocks,
        values: { payloads, sealer: new PayloadSealer(payloads, tenantKeys, { tenant, producer: OPERATOR }) },
        key: () => key,
        ledger: bundle.ledger,
        tenant,
        producer: OPERATOR,
        authority: () => authority,
        now: Date.now,
        sleep: (ms) => sleep(ms),
      }),
    close: () => bus.close(),
  };
}

async function connect(url: string, seed: string): Promise<Bus> {
  try {
    return await connectBus({
      servers: url,
      seed,
      user: OPERATOR,
      inboxPrefix: subjects.inboxPrefix(OPERATOR),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      // A refused publish shows as a request that is not answered.
      onError: () => undefined,
    });
  } catch (cause) {
    if (!isBusError(cause)) throw cause;
    throw new Fault('CONFIG_NOT_RUNNING', cause.message, { cause });
  }
}

const DeploymentFile = z.object({ tenant: AgentName });

/** Which tenant the data directory is for. Throws CONFIG_DATA_DIR when nothing was ever started there. */
async function readDeployment(paths: DeploymentPaths): Promise<z.infer<typeof DeploymentFile>> {
  const text = await readFile(paths.deploymentFile, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new Fault(
      'CONFIG_DATA_DIR',
      `there is no deployment in \`${paths.dataDir}\`: start it with \`writ up\`, or name another with \`--data\``,
    );
  }
  try {
    return parse(DeploymentFile, JSON.parse(text), 'CONFIG_DATA_DIR_CORRUPT');
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${paths.deploymentFile}\` is damaged`, { cause });
  }
}
