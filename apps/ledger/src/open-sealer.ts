import { LEDGER_API_PREFIX, LEDGER_STREAM, parse, SEALED_STREAM, SEALED_SUBJECT, SealedMessage } from '#writ/contracts';
import { deploymentPaths } from '#writ/deployment';
import { type Bus, publishToStream, StreamReader } from '#writ/nats';
import type { LedgerContext } from '#writ/service-host';
import { parseWitnessVkey } from '#writ/signing';
import { Integrator, type LedgerMessage } from '#writ/tlog';
import { collectCosignatures, lastCosigned } from '#writ/witness-client';
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertAgreement, type StreamPorts } from './agreement.js';
import { CheckpointFolder } from './checkpoint-folder.js';
import type { LedgerConfig } from './config.js';
import { LogDirectory } from './log-directory.js';
import { LogKeys } from './log-keys.js';
import { Sealer, type SealerState } from './sealer.js';
import { type FeedEnd, SealedFeed } from './sealed-feed.js';
import { StateStore } from './state-store.js';
import type { Violations } from './violations.js';
import { Witnesses } from './witnesses.js';

const PUBLISH_TIMEOUT_MS = 3_000;
const elapsed = () => performance.now();

/** What the sealer works with for as long as the process lives. */
export interface Outside {
  readonly logKeys: LogKeys;
  readonly store: LogDirectory;
  readonly checkpoints: CheckpointFolder;
  readonly states: StateStore<SealerState>;
  readonly witnesses: Witnesses;
  readonly feed: SealedFeed;
}

/** Opens them, and writes nothing yet. Throws CONFIG_KEY. */
export async function openOutside(
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
      end: () => endOfSealed(new StreamReader(bus, { apiPrefix: LEDGER_API_PREFIX }), store, origin),
      publish: (message, msgId, expectLastSubjectSeq) => publishSealed(bus, message, { msgId, expectLastSubjectSeq }),
      leaves: (from, to, size) => store.leaves(from, to, size),
      log,
      sleep: (ms) => sleep(ms),
    }),
  };
}

async function endOfSealed(streams: StreamReader, store: LogDirectory, origin: string): Promise<FeedEnd> {
  const last = await streams.lastOnSubject(SEALED_STREAM, SEALED_SUBJECT);
  const begins = await store.begins();
  if (last === undefined) return { seq: 0, next: begins };
  const {
    log_name: name,
    first,
    entries,
  } = parse(SealedMessage, JSON.parse(Buffer.from(last.data).toString('utf8')), 'LEDGER_CORRUPT');
  // Behind the last entry of the ledger before stands the first of this one.
  if (name !== origin) return { seq: last.seq, next: begins };
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

/**
 * A sealer over what is there, for the owner of the log. Nothing is signed before state, files, stream and witnesses were compared.
 * Throws LEDGER_FENCED when another sealer has taken over, LEDGER_INTEGRITY and the like when the stories differ.
 */
export async function openSealer(context: LedgerContext, outside: Outside, violations: Violations): Promise<Sealer> {
  const { logKeys, store, states, witnesses, feed } = outside;
  const paths = deploymentPaths(context.settings.WRIT_DATA);
  await states.claim();
  await store.claim();
  // Of two that claim at once each could have one of the two directories: whoever lost this one must not write in the other.
  await states.assertOwner();
  // From here on nothing of an earlier owner gets to either. If the process dies here the next one claims them in turn.
  await logKeys.showBundle();
  await store.put('root.vkey', await readFile(paths.rootVkey));
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

/** The stream as it is compared. */
export function streamPorts({ bus, blocks }: LedgerContext): StreamPorts {
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
