import { LEDGER_API_PREFIX, LEDGER_STREAM, parse, SEALED_STREAM, SEALED_SUBJECT, SealedMessage } from '#writ/contracts';
import { deploymentPaths } from '#writ/deployment';
import { messageOf } from '#writ/faults';
import { acquireLock, type Lock, makePrivateDirectory } from '#writ/files';
import { type Bus, publishToStream, StreamReader } from '#writ/nats';
import { StreamServer } from '#writ/nest-transport';
import type { LedgerContext, Service } from '#writ/service-host';
import { parseWitnessVkey } from '#writ/signing';
import { Integrator, type LedgerMessage } from '#writ/tlog';
import { collectCosignatures, lastCosigned } from '#writ/witness-client';
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertAgreement, assertStream, type StreamPorts } from './agreement.js';
import { CheckpointFolder, thinRegularly } from './checkpoint-folder.js';
import type { LedgerConfig } from './config.js';
import { IntegrateHandler } from './integrate.handler.js';
import { LogDirectory } from './log-directory.js';
import { LogKeys } from './log-keys.js';
import type { Append } from './ports.js';
import { Sealer, type SealerState } from './sealer.js';
import { type FeedEnd, SealedFeed } from './sealed-feed.js';
import { Sealing } from './sealing.js';
import { StateStore } from './state-store.js';
import { Tick } from './tick.js';
import { Violations } from './violations.js';
import { Witnesses } from './witnesses.js';

const POLL_MS = 100;
const PRODUCER = 'ledger';
const PUBLISH_TIMEOUT_MS = 3_000;
const LOCK = 'lock';
/** A sealer that was told to end may still be sealing when the next one comes. */
const LOCK_WAIT_MS = 5_000;
const NOT_OPENED = 'the sealer could not begin yet';
const elapsed = () => performance.now();

/** Wires the sealer: the stream that it reads, the log that it writes, the key that it signs with, and what it remembers. */
export async function ledgerService(context: LedgerContext, settings: LedgerConfig): Promise<Service> {
  const { bus, log, blocks } = context;
  const lock = await lockOf(settings);
  const end = (why: string) => endOf(log, why);
  const writer = await context.openWriter(PRODUCER, () => end('there is another sealer, or the ledger is gone'));
  const append: Append = (body) => writer.append(body);
  const violations = new Violations(append, log, elapsed);
  const outside = await openOutside(context, settings);
  const sealing = new Sealing({
    open: () => openSealer(context, outside, violations),
    assertStream: (taken) => assertStream(streamPorts(context), taken),
    tick: new Tick(append, elapsed),
    elapsed,
    append,
    log,
    onFenced: ({ message }) => end(message),
  });
  const strategy = new StreamServer<LedgerMessage>({
    read: async () => {
      if (!sealing.isServing) return [];
      const { messages } = await blocks.read(sealing.position);
      await outside.logKeys.refresh();
      return messages;
    },
    pollMs: POLL_MS,
    onError: (error) => log.error({ detail: messageOf(error) }, 'the ledger could not be sealed'),
  });
  return {
    name: settings.WRIT_INSTANCE,
    log,
    bus,
    keyring: context.keyring,
    strategy,
    module: {
      module: class LedgerModule {},
      controllers: [IntegrateHandler],
      providers: [{ provide: Sealing, useValue: sealing }],
    },
    health: {
      host: settings.WRIT_HEALTH_HOST,
      port: settings.WRIT_HEALTH_PORT,
      isReady: () => sealing.isServing && sealing.problem === undefined && bus.isConnected,
      details: () => ({ instance: settings.WRIT_INSTANCE, ...detailsOf(sealing, violations, outside.witnesses) }),
    },
    ...lifeOf(context, { sealing, strategy, outside, lock }),
  };
}

function lifeOf(
  { log }: LedgerContext,
  parts: { sealing: Sealing; strategy: StreamServer<LedgerMessage>; outside: Outside; lock: Lock },
): Pick<Service, 'start' | 'stop'> {
  const { sealing, strategy, outside, lock } = parts;
  let stopThinning = (): void => undefined;
  return {
    start: async () => {
      // A disk that is full now has space later: the service is there meanwhile, not ready.
      await sealing.begin().catch((error: unknown) => log.error({ detail: messageOf(error) }, NOT_OPENED));
      if (sealing.refusal !== undefined) return;
      strategy.serve();
      stopThinning = thinRegularly(outside.checkpoints, log);
    },
    stop: async () => {
      stopThinning();
      // What waits and cannot be sealed now is in the stream, and the next sealer takes it from there.
      await sealing
        .close()
        .catch((error: unknown) => log.error({ detail: messageOf(error) }, 'not all could be sealed'));
      await outside.feed.stop();
      await lock.release();
    },
  };
}

function endOf(log: LedgerContext['log'], why: string): void {
  log.fatal({ why }, 'this sealer ends');
  process.kill(process.pid, 'SIGTERM');
}

/** Of two sealers on one machine the second one ends before it writes anything, the chain of this producer included. */
async function lockOf({ WRIT_DATA, WRIT_SEALER_DIR }: LedgerConfig): Promise<Lock> {
  const sealerDir = WRIT_SEALER_DIR ?? deploymentPaths(WRIT_DATA).sealerDir;
  await makePrivateDirectory(sealerDir);
  return acquireLock(join(sealerDir, LOCK), LOCK_WAIT_MS);
}

/** What the sealer works with for as long as the process lives. */
interface Outside {
  readonly logKeys: LogKeys;
  readonly store: LogDirectory;
  readonly checkpoints: CheckpointFolder;
  readonly states: StateStore<SealerState>;
  readonly witnesses: Witnesses;
  readonly feed: SealedFeed;
}

async function openOutside(
  { bus, log, catalogue, authority, keyring }: LedgerContext,
  settings: LedgerConfig,
): Promise<Outside> {
  const paths = deploymentPaths(settings.WRIT_DATA);
  const logDir = settings.WRIT_LOG_DIR ?? paths.logDir;
  const store = new LogDirectory(logDir);
  const logKeys = await LogKeys.open({
    paths,
    authority,
    refresh: () => keyring.refresh(),
    show: (bundle) => store.put('bundle', bundle),
    log,
  });
  const { origin } = logKeys;
  const states = new StateStore<SealerState>(settings.WRIT_SEALER_DIR ?? paths.sealerDir);
  const { witnesses, witnessQuorum } = catalogue.config;
  return {
    logKeys,
    store,
    checkpoints: new CheckpointFolder(logDir, Date.now),
    states,
    witnesses: new Witnesses({
      witnesses: witnesses.map(({ vkey, url }) => ({ key: parseWitnessVkey(vkey), url })),
      quorum: witnessQuorum ?? witnesses.length,
      origin,
      logKeys: () => authority().logKeys(),
      collect: collectCosignatures,
      last: lastCosigned,
      proof: (oldSize, size) => (oldSize === 0 ? Promise.resolve([]) : store.proof(oldSize, size)),
      rootAt: (size, treeSize) => store.rootAt(size, treeSize),
      now: Date.now,
      elapsed,
      log,
    }),
    feed: new SealedFeed({
      logName: origin,
      end: () => endOfSealed(new StreamReader(bus, { apiPrefix: LEDGER_API_PREFIX }), store),
      publish: (message, msgId, expectLastSubjectSeq) => publishSealed(bus, message, { msgId, expectLastSubjectSeq }),
      leaves: (from, to, size) => store.leaves(from, to, size),
      log,
      sleep: (ms) => sleep(ms),
    }),
  };
}

async function endOfSealed(streams: StreamReader, store: LogDirectory): Promise<FeedEnd> {
  const last = await streams.lastOnSubject(SEALED_STREAM, SEALED_SUBJECT);
  const begins = await store.begins();
  if (last === undefined) return { seq: 0, next: begins };
  const { first, entries } = parse(
    SealedMessage,
    JSON.parse(Buffer.from(last.data).toString('utf8')),
    'LEDGER_CORRUPT',
  );
  // Entries that were removed from the log before they were handed on are a gap, which the sinks record.
  return { seq: last.seq, next: Math.max(begins, first + entries.length) };
}

async function publishSealed(
  bus: Bus,
  message: SealedMessage,
  fence: { readonly msgId: string; readonly expectLastSubjectSeq: number },
): Promise<number> {
  const options = { ...fence, stream: SEALED_STREAM, timeoutMs: PUBLISH_TIMEOUT_MS };
  return (await publishToStream(bus, SEALED_SUBJECT, Buffer.from(JSON.stringify(message)), options)).seq;
}

/** A sealer over what is there. Nothing is signed before state, files, stream and witnesses were compared. */
async function openSealer(context: LedgerContext, outside: Outside, violations: Violations): Promise<Sealer> {
  const { logKeys, store, states, witnesses, feed } = outside;
  const paths = deploymentPaths(context.settings.WRIT_DATA);
  await store.tidy();
  await logKeys.showBundle();
  await store.put('root.vkey', await readFile(paths.rootVkey));
  await states.tidy();
  const stored = await states.load();
  await assertAgreement({
    state: stored?.value,
    store,
    ...streamPorts(context),
    witnessed: () => witnesses.heads(),
    authority: context.authority(),
  });
  return new Sealer(
    {
      store,
      states,
      origin: logKeys.origin,
      signers: (size) => logKeys.signers(size),
      authority: context.authority,
      cosign: (note, head) => witnesses.cosign(note, head),
      late: (shown) => witnesses.late(shown),
      feed: (head) => feed.offer(head),
      digest,
      onIntegrated: (integrated) => violations.note(integrated),
      elapsed,
    },
    new Integrator(context.authority(), stored?.value.log),
    stored,
  );
}

function streamPorts({ bus, blocks }: LedgerContext): StreamPorts {
  const streams = new StreamReader(bus, { apiPrefix: LEDGER_API_PREFIX });
  return {
    stream: async () => {
      const { state } = await streams.info(LEDGER_STREAM);
      return { firstSeq: state.first_seq, lastSeq: state.last_seq };
    },
    message: (seq) => blocks.message(seq),
    digest,
  };
}

/** What tells a message from another one at the same sequence. */
function digest({ subject, data }: LedgerMessage): string {
  return hash('sha256', Buffer.concat([Buffer.from(`${subject}\n`), data]), 'base64url');
}

function detailsOf(sealing: Sealing, violations: Violations, witnesses: Witnesses) {
  return {
    ...witnesses.details,
    head: sealing.head ?? null,
    signedBy: sealing.signedBy,
    position: sealing.position,
    waiting: sealing.waiting,
    refusedMessages: Object.fromEntries(violations.refused),
    // A service that says why it does not go on is there: nobody waits for it.
    ...(sealing.refusal !== undefined && { refusal: sealing.refusal }),
    ...(sealing.problem !== undefined && { problem: sealing.problem }),
  };
}
