import { Fault } from '#writ/faults';
import {
  COMMANDS_STREAM,
  EXECUTOR_KINDS,
  LEDGER_STREAM,
  PAYLOAD_KEYS_STREAM,
  PAYLOADS_STREAM,
  SEALED_STREAM,
  SEALED_SUBJECT,
  sealedConsumer,
  subjects,
  type Delivery,
} from '#writ/contracts';
import type { Bus } from './bus.js';
import { isStreamError, parseApiAnswer } from './stream-error.js';
import { StreamReader } from './stream-reader.js';
import { FENCED_MESSAGE_BYTES } from './trim-ledger.js';

export interface StreamLimits {
  readonly ledgerBytesMax: number;
  readonly payloadBytesMax: number;
  readonly payloadDays: number;
  readonly payloadKeyBytesMax: number;
  readonly commandBytesMax: number;
  readonly sealedBytesMax: number;
  /** Names of the sinks of the SIEM feed: each has a consumer of SEALED. */
  readonly sinks: readonly string[];
  readonly pool: string;
  /** Whether the streams of evidence may be made. Once they were, one that is missing is damage and is not made again. */
  readonly mayCreate: boolean;
}

type Config = Readonly<Record<string, unknown>>;

const SECOND_NS = 1_000_000_000;
const DAY_NS = 86_400 * SECOND_NS;
const MESSAGE_BYTES_MAX = 262_144;
/** Values are larger than their commitments; the server takes messages of up to 512 KiB. */
const PAYLOAD_MESSAGE_BYTES_MAX = 500_000;
const COMMAND_AGE_NS = 600 * SECOND_NS;
/** A copy of a command is refused for this long. No command may wait so long to be taken (`limits.takeWithinMs`). */
const DUPLICATE_WINDOW_NS = 120 * SECOND_NS;
const RETRY_DELIVERIES_MAX = 5;
/** A command that may run again goes to another executor when its own was not heard of for this long. */
const ACK_WAIT_NS = 5 * SECOND_NS;
const ACK_PENDING_MAX = 1024;
const SEALED_AGE_NS = 7 * DAY_NS;
/** Messages of up to 240,000 bytes. */
const SINK_PENDING_MAX = 64;
const PULLS_WAITING_MAX = 64;
const TIMEOUT_MS = 10_000;
const STREAM_NOT_FOUND = 10059;
const CONSUMER_EXISTS = 10148;

/**
 * Makes the streams and consumers of Writ, with users that exist for this purpose only. What exists with the same
 * configuration stays as it is; a limit may grow; anything else that differs is a CONFIG_DATA_DIR_CORRUPT, because a stream
 * that holds evidence is never changed to fit.
 */
export async function provisionStreams(ledgerBoot: Bus, gatewayBoot: Bus, limits: StreamLimits): Promise<void> {
  for (const config of [ledgerConfig(limits), payloadsConfig(limits), payloadKeysConfig(limits)]) {
    await provisionStream(ledgerBoot, config, limits.mayCreate);
  }
  // A copy of what the tiles of the log hold: it can be made again.
  await provisionStream(ledgerBoot, sealedConfig(limits), true);
  for (const sink of limits.sinks) await provisionConsumer(ledgerBoot, SEALED_STREAM, sinkConsumer(sink));
  // Commands that were lost end as calls do that nobody finished: the stream may be made again at any time.
  await provisionStream(gatewayBoot, commandsConfig(limits), true);
  for (const consumer of commandConsumers(limits)) await provisionConsumer(gatewayBoot, COMMANDS_STREAM, consumer);
}

/** What the streams share: on disk, one copy, nothing is pushed out or deleted, no message chooses its own end. */
const evidence: Config = {
  storage: 'file',
  retention: 'limits',
  discard: 'new',
  num_replicas: 1,
  deny_delete: true,
  deny_purge: true,
  allow_rollup_hdrs: false,
  allow_msg_ttl: false,
  allow_direct: true,
  max_msg_size: MESSAGE_BYTES_MAX,
  duplicate_window: DUPLICATE_WINDOW_NS,
};

function ledgerConfig(limits: StreamLimits): Config {
  return {
    ...evidence,
    name: LEDGER_STREAM,
    subjects: [subjects.ledgerBlock('*')],
    max_bytes: limits.ledgerBytesMax,
    // Set while its beginning is removed, and at no other time.
    max_msgs: -1,
    max_age: 0,
    compression: 's2',
  };
}

function payloadsConfig(limits: StreamLimits): Config {
  return {
    ...evidence,
    name: PAYLOADS_STREAM,
    subjects: [subjects.payload('*')],
    max_bytes: limits.payloadBytesMax,
    max_msg_size: PAYLOAD_MESSAGE_BYTES_MAX,
    max_age: limits.payloadDays * DAY_NS,
    // The values are encrypted: there is nothing to compress.
    compression: 'none',
  };
}

function payloadKeysConfig(limits: StreamLimits): Config {
  return {
    ...evidence,
    name: PAYLOAD_KEYS_STREAM,
    subjects: [subjects.payloadKey('*', '*', '*', '*')],
    max_bytes: limits.payloadKeyBytesMax,
    // A key is used for a day at most, so it outlives the last value under it; past that a backup of the values opens with none.
    max_age: (limits.payloadDays + 1) * DAY_NS,
    compression: 'none',
    // Erasing a value is deleting its key. The operator alone may; a stream that denies it could never allow it.
    deny_delete: false,
    deny_purge: false,
  };
}

function commandsConfig(limits: StreamLimits): Config {
  return {
    ...evidence,
    name: COMMANDS_STREAM,
    subjects: ['cmd.*.*.*'],
    retention: 'workqueue',
    // A command that is lost with the machine is expired by its shard; the record is in LEDGER, which is synced.
    persist_mode: 'async',
    max_bytes: limits.commandBytesMax,
    // Long past every deadline: what an executor took and died with must not stay for ever.
    max_age: COMMAND_AGE_NS,
    compression: 'none',
    // Acknowledging a command takes it out of the work queue. Nobody has the right to delete one by hand.
    deny_delete: false,
    deny_purge: false,
  };
}

function sealedConfig(limits: StreamLimits): Config {
  return {
    ...evidence,
    name: SEALED_STREAM,
    subjects: [SEALED_SUBJECT],
    max_bytes: limits.sealedBytesMax,
    max_age: SEALED_AGE_NS,
    // A sink that is away for longer than this holds must not stop the log: what is pushed out is a gap that the sink records.
    discard: 'old',
    compression: 's2',
  };
}

/** `max_ack_pending` is the back-pressure: what a sink holds and has not taken. It is delivered for ever. */
function sinkConsumer(sink: string): Config {
  return { ...pullConsumer(sealedConsumer(sink)), max_ack_pending: SINK_PENDING_MAX, max_deliver: -1 };
}

function commandConsumers(limits: StreamLimits): readonly Config[] {
  const deliveries: readonly Delivery[] = ['once', 'retry'];
  return EXECUTOR_KINDS.flatMap((kind) =>
    deliveries.map((delivery) => ({
      ...pullConsumer(subjects.commandConsumer(kind, delivery, limits.pool)),
      filter_subject: subjects.command(kind, delivery, limits.pool),
      max_deliver: delivery === 'once' ? 1 : RETRY_DELIVERIES_MAX,
      max_ack_pending: ACK_PENDING_MAX,
    })),
  );
}

function pullConsumer(name: string): Config {
  return {
    durable_name: name,
    name,
    ack_policy: 'explicit',
    deliver_policy: 'all',
    ack_wait: ACK_WAIT_NS,
    max_waiting: PULLS_WAITING_MAX,
  };
}

async function provisionStream(boot: Bus, wanted: Config, mayCreate: boolean): Promise<void> {
  const name = String(wanted['name']);
  const existing = await streamConfig(boot, name);
  if (existing === undefined && !mayCreate) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `the stream \`${name}\` was in the data directory and is missing`);
  }
  if (existing === undefined) {
    await call(boot, `$JS.API.STREAM.CREATE.${name}`, wanted);
    return;
  }
  const differing = differences(wanted, existing);
  if (differing.length === 0) return;
  const isGrowth =
    isFenced(existing) || differing.every((field) => mayChange(name, field, wanted[field], existing[field]));
  if (!isGrowth) throw unlike(`stream \`${name}\``, differing);
  await call(boot, `$JS.API.STREAM.UPDATE.${name}`, { ...existing, ...wanted });
}

/** Whoever removed the beginning of the stream died at it: no block was stored since, and what it changed is put back. */
function isFenced({ max_msg_size: size }: Config): boolean {
  return size === FENCED_MESSAGE_BYTES;
}

/** Room may grow, and how long payloads and their keys are kept is the operator's to say. */
function mayChange(stream: string, field: string, wanted: unknown, existing: unknown): boolean {
  if (field === 'max_bytes') return Number(wanted) > Number(existing);
  return field === 'max_age' && (stream === PAYLOADS_STREAM || stream === PAYLOAD_KEYS_STREAM);
}

async function provisionConsumer(boot: Bus, stream: string, wanted: Config): Promise<void> {
  const name = String(wanted['name']);
  const filter = wanted['filter_subject'] === undefined ? '' : `.${String(wanted['filter_subject'])}`;
  const answer = await call(boot, `$JS.API.CONSUMER.CREATE.${stream}.${name}${filter}`, {
    stream_name: stream,
    // Idempotent for the same configuration; another one is refused and not taken over.
    action: 'create',
    config: wanted,
  }).catch((error: unknown) => {
    throw isStreamError(error) && error.code === CONSUMER_EXISTS ? unlike(`consumer \`${name}\``, ['config']) : error;
  });
  const differing = differences(wanted, answer['config'] as Config);
  if (differing.length > 0) throw unlike(`consumer \`${name}\``, differing);
}

async function streamConfig(boot: Bus, name: string): Promise<Config | undefined> {
  try {
    return (await new StreamReader(boot, { apiPrefix: '$JS.API', timeoutMs: TIMEOUT_MS }).info(name)).config;
  } catch (error) {
    if (isStreamError(error) && error.code === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

/** The fields that differ. The server leaves out a field that has its zero value. */
function differences(wanted: Config, existing: Config): string[] {
  const zero = (value: unknown) => (value === false || value === 0 || value === undefined ? null : value);
  return Object.keys(wanted).filter(
    (field) => JSON.stringify(zero(wanted[field])) !== JSON.stringify(zero(existing[field])),
  );
}

async function call(boot: Bus, subject: string, request: Config): Promise<Config> {
  const answer = await boot.request(subject, JSON.stringify(request), { timeoutMs: TIMEOUT_MS });
  return parseApiAnswer(answer.data);
}

function unlike(what: string, fields: readonly string[]): Fault {
  return new Fault(
    'CONFIG_DATA_DIR_CORRUPT',
    `the ${what} in the data directory was made with another configuration: ${fields.join(', ')}`,
  );
}
