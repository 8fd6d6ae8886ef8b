import { type Catalogue, loadCatalogue, readRedactionRules } from '#writ/catalogue';
import { LEDGER_API_PREFIX, subjects } from '#writ/contracts';
import { deploymentPaths, readBusSeed, readPayloadKey } from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import {
  BlockWriter,
  type BlockWriterOptions,
  DecisionReader,
  NatsBlockLog,
  NatsPayloadLog,
  PayloadOpener,
  PayloadSealer,
} from '#writ/ledger-client';
import { type Bus, connectBus } from '#writ/nats';
import type { RedactionMeans } from '#writ/redaction';
import type { Authority, SigningKey } from '#writ/signing';
import type { TenantKeys } from '#writ/vault';
import type { Logger } from 'pino';
import { z } from 'zod';
import { Keyring } from './keyring.js';
import { createLogger } from './logger.js';

/** The settings that every service has. Its keys lie in the data directory under the name of its instance. */
export const serviceSettings = {
  /** Path of writ.yaml. */
  WRIT_CONFIG: z.string().min(1),
  /** The data directory: keys, trust bundle, agent registry. */
  WRIT_DATA: z.string().min(1),
  /** Which process of its kind this is, such as `pdp-1` or `exec-tool-1`. */
  WRIT_INSTANCE: z.string().regex(/^[a-z0-9-]{1,32}$/),
  WRIT_NATS_URL: z.string().min(1),
  /** Where `/healthz` and `/readyz` answer; port 0 takes a free one. */
  WRIT_HEALTH_HOST: z.string().default('127.0.0.1'),
  WRIT_HEALTH_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  WRIT_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
};
export type ServiceSettings = Readonly<z.infer<z.ZodObject<typeof serviceSettings>>>;

/** What every service has in hand when it starts: its configuration, its connection, its keys and the ledger. */
export interface LedgerContext {
  readonly settings: ServiceSettings;
  readonly log: Logger;
  readonly catalogue: Catalogue;
  readonly bus: Bus;
  /** The key and the trust bundle of now, both as functions below: neither may be kept for later. */
  readonly keyring: Keyring;
  readonly key: () => SigningKey;
  readonly authority: () => Authority;
  readonly blocks: NatsBlockLog;
  readonly openWriter: (producer: string, onDead: () => void) => Promise<BlockWriter>;
}

/** What a service has that works with arguments and results. */
export interface ServiceContext extends LedgerContext {
  readonly decisions: DecisionReader;
  readonly values: PayloadOpener;
  readonly tenantKeys: TenantKeys;
  readonly redaction: RedactionMeans;
}

/** Reads configuration and keys and connects. Throws CONFIG_* and, when the bus does not answer, a BusError. */
export async function openServiceContext(settings: ServiceSettings): Promise<ServiceContext> {
  // Before anything is connected: a service without its keys must not start.
  const tenantKeys = await readPayloadKey(deploymentPaths(settings.WRIT_DATA));
  const base = await openBase(settings);
  const { bus, blocks, authority } = base;
  assertGoesOn(authority());
  const rules = await readRedactionRules(base.catalogue);
  const { tenant } = base.catalogue.config;
  const payloads = new NatsPayloadLog(bus, LEDGER_API_PREFIX);
  return {
    ...base,
    decisions: new DecisionReader(blocks, authority),
    values: new PayloadOpener(payloads, tenantKeys),
    tenantKeys,
    redaction: { hash: (kind, value) => tenantKeys.redactionHash(kind, value), rules },
    openWriter: (producer, onDead) => {
      const sealer = new PayloadSealer(payloads, tenantKeys, { tenant, producer });
      return openWriter(base, { producer, onDead, values: { payloads, sealer } });
    },
  };
}

/** What is written behind the end of a ledger is in no log: whoever would decide or act there must not start. */
function assertGoesOn({ ledger, next }: Authority): void {
  if (next === undefined) return;
  const message = `the ledger \`${ledger}\` ends: complete that with \`writ ledger continue --as ${next.ledger}\``;
  throw new Fault('CONFIG_DATA_DIR', message);
}

/** The same for a service that has no business with arguments and results: it reads no key to them. */
export async function openLedgerContext(settings: ServiceSettings): Promise<LedgerContext> {
  const base = await openBase(settings);
  return { ...base, openWriter: (producer, onDead) => openWriter(base, { producer, onDead }) };
}

type Base = Omit<LedgerContext, 'openWriter'>;

async function openBase(settings: ServiceSettings): Promise<Base> {
  const instance = settings.WRIT_INSTANCE;
  const log = createLogger(instance, settings.WRIT_LOG_LEVEL);
  const paths = deploymentPaths(settings.WRIT_DATA);
  const catalogue = await loadCatalogue(settings.WRIT_CONFIG, process.env);
  const keyring = await Keyring.open({ paths, instance, log });
  const bus = await connectBus({
    servers: settings.WRIT_NATS_URL,
    seed: (await readBusSeed(paths, instance)).seed,
    user: instance,
    inboxPrefix: subjects.inboxPrefix(instance),
    onError: (error) => log.error({ detail: messageOf(error) }, 'the bus refused something'),
  });
  const blocks = new NatsBlockLog(bus, LEDGER_API_PREFIX);
  const { key, authority } = keyring;
  return { settings, log, catalogue, bus, keyring, key, blocks, authority };
}

type WriterOf = Pick<BlockWriterOptions, 'producer' | 'values'> & { readonly onDead: () => void };

async function openWriter(base: Base, writer: WriterOf): Promise<BlockWriter> {
  const { blocks, key, authority, catalogue, keyring } = base;
  const { tenant } = catalogue.config;
  const { ledger } = authority();
  let forget = () => {};
  const opened = await BlockWriter.open({
    ...writer,
    onDead: () => {
      forget();
      writer.onDead();
    },
    blocks,
    key,
    ledger,
    tenant,
    authority,
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  forget = keyring.awaitWriter(() => opened.signing);
  return opened;
}
