import { COMMANDS_STREAM, type EntryBody, type ExecutorKind, type PoolHeartbeat, subjects } from '#writ/contracts';
import { type ActionRunner, type ExecutorDependencies, TakenCommands } from '#writ/execution';
import { messageOf } from '#writ/faults';
import type { BlockWriter } from '#writ/ledger-client';
import { PullConsumer } from '#writ/nats';
import { JetStreamServer } from '#writ/nest-transport';
import { EXECUTOR, executeHandlerFor, POOL } from './execute.handler.js';
import type { ServiceContext } from './service-context.js';
import { startService } from './start-service.js';

export interface Executor {
  readonly kind: ExecutorKind;
  readonly runner: ActionRunner;
  /** Whether commands can be run now; an executor that cannot is silent, and calls are denied before they are allowed. */
  readonly isReady: () => boolean;
  /** Called once, before the first command is taken, with what puts an entry on record. */
  readonly start?: (record: RecordEntry) => void;
  /** What `/readyz` says of it beside the instance. */
  readonly details?: () => Record<string, unknown>;
  readonly close: () => Promise<void>;
}

/** Puts an entry on record; resolves when it is durable, throws LEDGER_*. */
export type RecordEntry = (body: EntryBody) => Promise<unknown>;

const IN_FLIGHT_MAX = 256;
const HEARTBEAT_MS = 500;

/** Runs an executor: takes commands of its kind from its durable consumers and says twice a second that it is there. */
export async function startExecutor(context: ServiceContext, executor: Executor): Promise<void> {
  const { bus, log, settings } = context;
  const { kind } = executor;
  let isWriterDead = false;
  const writer = await context.openWriter(settings.WRIT_INSTANCE, () => {
    isWriterDead = true;
    log.fatal('this producer has another writer, or the ledger is gone');
    process.kill(process.pid, 'SIGTERM');
  });
  executor.start?.((body) => writer.append(body));
  const isReady = () => executor.isReady() && !isWriterDead && bus.isConnected;
  const heartbeat = () => sayPresent(context, kind, isReady());
  let timer: NodeJS.Timeout | undefined;
  const strategy = new JetStreamServer({
    pull: (consumer, onMessage) =>
      new PullConsumer(bus, {
        stream: COMMANDS_STREAM,
        consumer,
        inFlightMax: IN_FLIGHT_MAX,
        onMessage,
        onError: (error) => log.error({ consumer, detail: messageOf(error) }, 'pulling failed'),
      }),
  });
  await startService({
    name: settings.WRIT_INSTANCE,
    log,
    bus,
    keyring: context.keyring,
    strategy,
    module: {
      module: class ExecutorModule {},
      controllers: [executeHandlerFor(kind)],
      providers: [{ provide: EXECUTOR, useValue: dependenciesOf(context, executor, writer) }],
    },
    health: {
      host: settings.WRIT_HEALTH_HOST,
      port: settings.WRIT_HEALTH_PORT,
      isReady,
      details: () => ({ instance: settings.WRIT_INSTANCE, kind, pool: POOL, ...executor.details?.() }),
    },
    start: async () => {
      heartbeat();
      timer = setInterval(heartbeat, HEARTBEAT_MS);
    },
    stop: async () => {
      clearInterval(timer);
      await executor.close();
    },
  });
}

function dependenciesOf(context: ServiceContext, executor: Executor, writer: BlockWriter): ExecutorDependencies {
  const { bus, log, catalogue, decisions, redaction } = context;
  return {
    identity: { tenant: catalogue.config.tenant, kind: executor.kind, pool: POOL },
    decisions,
    append: (body, values, options) => writer.append(body, values, options),
    runner: executor.runner,
    answer: (reply, answer) => {
      try {
        bus.publish(reply, JSON.stringify(answer));
      } catch (error) {
        // Reply routes are gone with the connection. The outcome is on record; the agent asks for it with `call.result`.
        log.warn({ call: answer.call, detail: messageOf(error) }, 'an answer could not be sent');
      }
    },
    report: (report) => {
      try {
        bus.publish(subjects.progress(executor.kind, POOL), JSON.stringify(report));
      } catch {
        // Disconnected: nobody waits for it, and what comes of the call is told without it.
      }
    },
    taken: new TakenCommands(Date.now),
    redaction,
    tokeniser: (holder) => writer.tokeniser(holder),
    now: Date.now,
    log,
  };
}

function sayPresent({ bus, settings }: ServiceContext, kind: ExecutorKind, isReady: boolean): void {
  if (!isReady) return;
  const heartbeat: PoolHeartbeat = { v: 1, instance: settings.WRIT_INSTANCE, serves: [] };
  try {
    bus.publish(subjects.poolHeartbeat(kind, POOL), JSON.stringify(heartbeat));
  } catch {
    // Disconnected: whoever does not hear us denies, which is right.
  }
}
