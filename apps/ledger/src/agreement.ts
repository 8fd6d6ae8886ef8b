import { Fault } from '#writ/faults';
import { EMPTY_ROOT, openCheckpoint, type Checkpoint, type LedgerMessage } from '#writ/tlog';
import type { Authority } from '#writ/signing';
import type { Head, LogStore, Taken } from './ports.js';
import type { SealerState } from './sealer.js';

/** The stream as the sealer finds it. */
export interface StreamEnds {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** The stream, as far as it is compared. */
export interface StreamPorts {
  readonly stream: () => Promise<StreamEnds>;
  readonly message: (seq: number) => Promise<LedgerMessage | undefined>;
  readonly digest: (message: LedgerMessage) => string;
}

export interface AgreementPorts extends StreamPorts {
  readonly state: SealerState | undefined;
  readonly store: Pick<LogStore, 'rootAt' | 'checkpoint'>;
  /** The newest heads of this log that witnesses have seen; those that do not answer are left out. */
  readonly witnessed: () => Promise<readonly (Head & { readonly name: string })[]>;
  readonly authority: Authority;
}

/**
 * Whether the sealer's own state, the files of the log, the stream and the witnesses tell the same story. Throws LEDGER_INTEGRITY
 * with the first that does not: whoever signs after that signs a second history.
 */
export async function assertAgreement(ports: AgreementPorts): Promise<void> {
  assertBundle(ports);
  await assertFiles(ports);
  // A ledger that goes on from another one begins behind it in the stream.
  const seq = ports.state?.log.seq ?? ports.authority.begins - 1;
  await assertStream(ports, { seq, last: ports.state?.last });
  const { size, root } = ports.state?.log ?? { size: 0, root: '' };
  for (const seen of await ports.witnessed()) {
    if (seen.size > size) {
      throw violation(
        `the witness \`${seen.name}\` has seen ${seen.size} entries, the sealer's state has ${size}: it was rolled back`,
      );
    }
    const own = seen.size === size ? root : await rootOfOlder(ports.store, seen.size, size);
    if (seen.root !== own) {
      throw violation(
        `the witness \`${seen.name}\` has seen another root at ${seen.size} entries than the sealer's log has`,
      );
    }
  }
}

/** The tree follows from the stream and the bundle: an older bundle makes another tree of the same stream. */
function assertBundle({ state, authority: { version } }: AgreementPorts): void {
  const used = state?.bundle ?? 0;
  if (version < used)
    throw violation(`the trust bundle has version ${version}, the sealer has used version ${used}: it was rolled back`);
}

async function assertFiles({ state, store, authority }: AgreementPorts): Promise<void> {
  const note = await store.checkpoint();
  const shown = note === undefined ? undefined : openShown(note, authority);
  if (state === undefined) {
    if (shown === undefined) return;
    throw violation(`a checkpoint of ${shown.size} entries was published, and the sealer's own state is gone`);
  }
  const { size, root } = state.log;
  if (shown !== undefined && shown.size > size) {
    throw violation(`a checkpoint of ${shown.size} entries was published; the sealer's state has ${size}`);
  }
  if (shown !== undefined && shown.size === size && shown.root !== root) {
    throw violation(`the published checkpoint of ${size} entries has another root than the sealer's state`);
  }
  if (size === 0) return;
  const found = await store.rootAt(size);
  if (found !== root) {
    throw violation(
      found === undefined
        ? `the tiles of the log do not hold the ${size} entries that were signed`
        : `the tiles of the log have another root at ${size} entries than the one that was signed`,
    );
  }
  if (shown !== undefined && shown.root !== (await rootOfOlder(store, shown.size, size)))
    throw violation(`the published checkpoint of ${shown.size} entries is of another history than the sealer's log`);
}

/** Root of an earlier tree of the log. The tiles were compared with the sealer's own state before. */
async function rootOfOlder(store: Pick<LogStore, 'rootAt'>, size: number, treeSize: number): Promise<string> {
  return size === 0 ? EMPTY_ROOT.toString('base64url') : ((await store.rootAt(size, treeSize)) ?? '');
}

function openShown(note: string, authority: Authority): Checkpoint {
  try {
    return openCheckpoint(note, authority.ledger, authority.logKeys());
  } catch (cause) {
    throw violation('the published checkpoint is not one of this log', cause);
  }
}

/**
 * Whether the stream still has the message that was taken last, at its place. Throws LEDGER_INTEGRITY when it was cut, restored or
 * replaced: what follows in it is of another history.
 */
export async function assertStream(
  { stream, message, digest }: StreamPorts,
  { seq, last: expected }: Taken,
): Promise<void> {
  const { firstSeq, lastSeq } = await stream();
  if (lastSeq < seq) {
    throw violation(`the stream ends at message ${lastSeq}; message ${seq} was sealed: it was cut or restored`);
  }
  if (lastSeq > 0 && firstSeq > seq + 1) {
    throw violation(`the stream begins at message ${firstSeq}; the sealer needs message ${seq + 1}`);
  }
  if (expected === undefined || firstSeq > seq) return;
  const last = await message(seq);
  if (last === undefined || digest(last) !== expected) {
    throw violation(`message ${seq} of the stream is not the one that was sealed: this is another stream`);
  }
}

function violation(message: string, cause?: unknown): Fault {
  return new Fault('LEDGER_INTEGRITY', message, { cause });
}
