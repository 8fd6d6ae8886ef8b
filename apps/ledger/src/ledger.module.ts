import { deploymentPaths } from '#writ/deployment';
import { messageOf } from '#writ/faults';
import { acquireLease, makePrivateDirectory } from '#writ/files';
import { StreamServer } from '#writ/nest-transport';
import type { LedgerContext, Service } from '#writ/service-host';
import type { LedgerMessage } from '#writ/tlog';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { assertStream } from './agreement.js';
import { thinRegularly } from './checkpoint-folder.js';
import type { LedgerConfig } from './config.js';
import { IntegrateHandler } from './integrate.handler.js';
import { openOutside, openSealer, type Outside, streamPorts } from './open-sealer.js';
import { Ownership, type OwnershipPorts } from './ownership.js';
import type { Append } from './ports.js';
import { Sealing } from './sealing.js';
import { Tick } from './tick.js';
import { Violations } from './violations.js';

const POLL_MS = 100;
const PRODUCER = 'ledger';
const LOCK = 'lock';
/** Witnesses that do not answer and a slow disk take seconds, not this. */
const ROUND_MAX_MS = 60_000;
const NOT_OPENED = 'the sealer could not begin yet';
const elapsed = () => performance.now();

/** What the owner of the log alone opens. */
interface Owned {
  readonly append: Append;
  readonly outside: Outside;
}

/** The parts of a sealer, some of which are there only while it is the owner. */
interface Parts {
  readonly context: LedgerContext;
  readonly settings: LedgerConfig;
  readonly sealing: Sealing;
  readonly violations: Violations;
  readonly strategy: StreamServer<LedgerMessage>;
  readonly rounds: Rounds;
  /** Ends this process. */
  readonly end: (why: string) => void;
  owned: Owned | undefined;
  stopThinning: () => void;
}

/** Wires the sealer: the stream that it reads, the log that it writes, the key that it signs with, and what it remembers. */
export async function ledgerService(context: LedgerContext, settings: LedgerConfig): Promise<Service> {
  const { bus, log } = context;
  const parts = partsOf(context, settings);
  const ownership = new Ownership(await ownershipPorts(parts));
  const { sealing, strategy } = parts;
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
      details: () => ({ instance: settings.WRIT_INSTANCE, ...detailsOf(parts, ownership) }),
    },
    ...lifeOf(parts, ownership),
  };
}

function partsOf(context: LedgerContext, settings: LedgerConfig): Parts {
  const { log, blocks } = context;
  const append: Append = (body) => ownedOf(parts).append(body);
  const violations = new Violations(append, log, elapsed);
  const rounds = new Rounds();
  const end = endOnce(log);
  const sealing = new Sealing({
    open: () => openSealer(context, ownedOf(parts).outside, violations),
    assertStream: (taken) => assertStream(streamPorts(context), taken),
    assertOwner: () => ownedOf(parts).outside.states.assertOwner(),
    tick: new Tick(append, elapsed),
    previous: () => context.authority().previous,
    isEnding: () => context.authority().next !== undefined,
    elapsed,
    append,
    log,
    onFenced: ({ message }) => end(message),
  });
  const strategy = new StreamServer<LedgerMessage>({
    read: async () => {
      rounds.begin();
      if (!sealing.isServing) return [];
      const { messages } = await blocks.read(sealing.position);
      await ownedOf(parts).outside.logKeys.refresh();
      return messages;
    },
    pollMs: POLL_MS,
    onError: (error) => log.error({ detail: messageOf(error) }, 'the ledger could not be sealed'),
  });
  const parts: Parts = {
    context,
    settings,
    sealing,
    violations,
    strategy,
    rounds,
    end,
    owned: undefined,
    stopThinning: () => undefined,
  };
  return parts;
}

function ownedOf({ owned }: Parts): Owned {
  assert(owned !== undefined, 'a standby asks for what the owner alone has');
  return owned;
}

/** When the last round of the sealer began: one that does not end must not keep the log for ever. */
class Rounds {
  #beganMs = elapsed();

  begin(): void {
    this.#beganMs = elapsed();
  }

  get isStuck(): boolean {
    return elapsed() - this.#beganMs > ROUND_MAX_MS;
  }
}

/** A sealer that is not the owner has a connection and its keys: it opens no writer, and writes nothing. */
async function ownershipPorts(parts: Parts): Promise<OwnershipPorts> {
  const { context, settings, sealing, strategy, rounds, end } = parts;
  const { log } = context;
  const { WRIT_DATA, WRIT_SEALER_DIR, WRIT_SEALER_LEASE_MS: lapseMs } = settings;
  const sealerDir = WRIT_SEALER_DIR ?? deploymentPaths(WRIT_DATA).sealerDir;
  await makePrivateDirectory(sealerDir);
  return {
    acquire: (told) => acquireLease(join(sealerDir, LOCK), { ...told, lapseMs }),
    begin: async () => {
      rounds.begin();
      const writer = await context.openWriter(PRODUCER, () => end('there is another sealer, or the ledger is gone'));
      const outside = await openOutside(context, settings);
      parts.owned = { append: (body) => writer.append(body), outside };
      // A disk that is full now has space later: the service is there meanwhile, not ready.
      await sealing.begin().catch((error: unknown) => log.error({ detail: messageOf(error) }, NOT_OPENED));
      if (sealing.refusal !== undefined) return;
      strategy.serve();
      parts.stopThinning = thinRegularly(outside.checkpoints, log);
    },
    // Whoever refuses to sign is there to be asked why; a standby would find the same.
    isStuck: () => sealing.refusal === undefined && rounds.isStuck,
    every: (ms, act) => {
      const timer = setInterval(act, ms);
      return () => clearInterval(timer);
    },
    end,
    log,
  };
}

function lifeOf(parts: Parts, ownership: Ownership): Pick<Service, 'start' | 'stop'> {
  const { context, sealing } = parts;
  const { log } = context;
  return {
    start: () => ownership.start(),
    stop: () =>
      ownership.stop(async () => {
        const outside = parts.owned?.outside;
        parts.stopThinning();
        if (outside === undefined) return;
        // What waits and cannot be sealed now is in the stream, and the next sealer takes it from there.
        await sealing
          .close()
          .catch((error: unknown) => log.error({ detail: messageOf(error) }, 'not all could be sealed'));
        await outside.feed.stop();
        await outside.store.release();
        await outside.states.release();
      }),
  };
}

/** One who was overtaken hears of it from the stream, the files and the lease; a second signal would cut the end short. */
function endOnce(log: LedgerContext['log']): (why: string) => void {
  let isEnding = false;
  return (why) => {
    if (isEnding) return;
    isEnding = true;
    log.fatal({ detail: why }, 'this sealer ends');
    process.kill(process.pid, 'SIGTERM');
  };
}

function detailsOf({ sealing, violations, owned }: Parts, { waitsFor }: Ownership) {
  // The process of an owner on another machine has a number that says nothing here.
  if (waitsFor !== undefined) return { standby: true, owner: waitsFor.pid ?? null };
  return {
    standby: false,
    ...owned?.outside.witnesses.details,
    head: sealing.head ?? null,
    signedBy: sealing.signedBy,
    position: sealing.position,
    waiting: sealing.waiting,
    ...(owned !== undefined && { handedOn: owned.outside.feed.handedOn }),
    ...(sealing.frozen !== undefined && { frozen: sealing.frozen }),
    refusedMessages: Object.fromEntries(violations.refused),
    // A service that says why it does not go on is there: nobody waits for it.
    ...(sealing.refusal !== undefined && { refusal: sealing.refusal }),
    ...(sealing.problem !== undefined && { problem: sealing.problem }),
  };
}
