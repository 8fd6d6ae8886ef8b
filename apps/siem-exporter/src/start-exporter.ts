import type { SinkDeclaration } from '#writ/catalogue';
import { type EntryBody, SEALED_STREAM, sealedConsumer, SIEM_API_PREFIX } from '#writ/contracts';
import { deploymentPaths, replayRequestFile, sinkTestFiles } from '#writ/deployment';
import { messageOf } from '#writ/faults';
import { consumerState, PullConsumer } from '#writ/nats';
import { JetStreamServer } from '#writ/nest-transport';
import { type LedgerContext, startService } from '#writ/service-host';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deadLetterFile } from './dead-letter-file.js';
import type { ExporterConfig } from './config.js';
import { persistentJournal } from './journal.js';
import { logReplays } from './log-replays.js';
import { makeRecordMaker, makeSink } from './make-sink.js';
import { OrderedFeed } from './ordered-feed.js';
import type { Ledgers } from './ledgers.js';
import type { Journal } from './ports.js';
import { openStates } from './sink-changes.js';
import { SinkLoop } from './sink-loop.js';
import { fileTests } from './sink-tester.js';
import type { SinkStateFile } from './state-file.js';

const HEARTBEAT_MS = 60_000;
const KEEP_ALIVE_MS = 2_000;
const ACK_TIMEOUT_MS = 2_000;
/** Messages of 240,000 bytes that a sink may hold: the back-pressure. */
const IN_FLIGHT_MAX = 64;

/** A sink at work, and how it is stopped. */
interface RunningSink {
  readonly name: string;
  readonly loop: SinkLoop;
  readonly stop: () => Promise<void>;
}

/** Runs the exporter: a loop for each sink, each with its own consumer, so that a slow sink holds up nobody else. */
export async function startExporter(context: LedgerContext, { WRIT_LOG_DIR }: ExporterConfig): Promise<void> {
  const { bus, log, settings, catalogue } = context;
  const { siemDir: directory, logDir } = deploymentPaths(settings.WRIT_DATA);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const end = (why: string) => {
    log.fatal({ why }, 'the exporter ends');
    process.kill(process.pid, 'SIGTERM');
  };
  const writer = await context.openWriter(settings.WRIT_INSTANCE, () => end('this producer has another writer'));
  const stopping = new AbortController();
  const append = (body: EntryBody) => writer.append(body);
  const journal = persistentJournal({ append, log, signal: stopping.signal, sleep: pause });
  const { sinks } = catalogue.config.siem;
  const states = await openStates(directory, sinks, { journal, ledgers: ledgersOf(context) });
  let running: readonly RunningSink[] = [];
  await startService({
    name: settings.WRIT_INSTANCE,
    log,
    bus,
    keyring: context.keyring,
    // Sinks have loops of their own: nothing is handled message by message.
    strategy: new JetStreamServer({
      pull: () => {
        throw new TypeError('the exporter has no handlers');
      },
    }),
    module: { module: class ExporterModule {} },
    health: {
      host: settings.WRIT_HEALTH_HOST,
      port: settings.WRIT_HEALTH_PORT,
      isReady: () => bus.isConnected,
      details: () => ({ instance: settings.WRIT_INSTANCE, sinks: running.map(detailsOf) }),
    },
    start: async () => {
      running = await Promise.all(
        sinks.map((sink) =>
          runSink(context, sink, {
            directory,
            logDirectory: WRIT_LOG_DIR ?? logDir,
            journal,
            state: states.get(sink.name),
          }),
        ),
      );
      for (const { loop, name } of running) loop.ended.catch((error: unknown) => end(`${name}: ${messageOf(error)}`));
    },
    stop: () => stopAll(running, stopping),
  });
}

/** Whoever waits for the ledger is let go first: its sink could not stop. */
async function stopAll(running: readonly RunningSink[], stopping: AbortController): Promise<void> {
  stopping.abort();
  await Promise.all(running.map(({ stop }) => stop()));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}

interface Around {
  readonly directory: string;
  readonly logDirectory: string;
  readonly journal: Journal;
  readonly state: SinkStateFile | undefined;
}

async function runSink(context: LedgerContext, declared: SinkDeclaration, around: Around): Promise<RunningSink> {
  const { bus, catalogue } = context;
  const { name } = declared;
  const log = context.log.child({ sink: name });
  if (around.state === undefined) throw new Error(`the sink ${name} has no state`);
  const of = { stream: SEALED_STREAM, consumer: sealedConsumer(name), apiPrefix: SIEM_API_PREFIX };
  const consumer = () => consumerState(bus, of);
  const feed = new OrderedFeed({
    next: (await consumer()).ackFloor + 1,
    unacknowledged: async () => (await consumer()).unacknowledged,
    ackTimeoutMs: ACK_TIMEOUT_MS,
  });
  const loop = new SinkLoop({
    name,
    feed,
    log,
    sink: makeSink(declared, catalogue.baseDirectory),
    maker: await makeRecordMaker(declared, catalogue.baseDirectory),
    replays: replaysOf(context, name, around),
    tests: fileTests(sinkTestFiles(deploymentPaths(context.settings.WRIT_DATA), name), declared.kind),
    ledgers: () => ledgersOf(context),
    state: around.state,
    journal: around.journal,
    deadLetters: deadLetterFile(join(around.directory, `${name}.dead.ndjson`), Date.now),
    batchBytesMax: declared.batchBytesMax,
    heartbeatMs: HEARTBEAT_MS,
    now: Date.now,
    random: Math.random,
    sleep: pause,
  });
  const pull = new PullConsumer(bus, {
    ...of,
    inFlightMax: IN_FLIGHT_MAX,
    onMessage: (message) => feed.accept(message),
    onError: (error) => log.error({ detail: messageOf(error) }, 'pulling failed'),
  });
  const keepAlive = setInterval(() => feed.keepAlive(), KEEP_ALIVE_MS);
  loop.start();
  return {
    name,
    loop,
    stop: async () => {
      clearInterval(keepAlive);
      await loop.stop();
      feed.letGo();
      await pull.stop();
    },
  };
}

function replaysOf({ settings, authority }: LedgerContext, name: string, { logDirectory }: Around) {
  const paths = deploymentPaths(settings.WRIT_DATA);
  const requestFile = replayRequestFile(paths, name);
  return logReplays({ requestFile, logDirectory, authority, rootVkeyFile: paths.rootVkey });
}

function ledgersOf({ authority }: LedgerContext): Ledgers {
  const { ledger: now, closed } = authority();
  return { now, closed };
}

/** Counters of a sink and how far behind it is: entries by the last checkpoint that it saw. */
function detailsOf({ name, loop }: RunningSink): object {
  const { next, size, sealedMs } = loop.position;
  return {
    name,
    ...loop.counters,
    exported: next,
    lagEntries: Math.max(0, size - next),
    lastSealedMs: sealedMs ?? null,
    replay: loop.replay ?? null,
  };
}
