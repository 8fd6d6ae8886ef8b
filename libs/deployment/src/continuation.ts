import { LedgerName, parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { makePrivateDirectory, readFileIfPresent, syncDirectory, writeFileAtomic } from '#writ/files';
import {
  CLOSED_LEDGERS_MAX,
  type ClosedLedger,
  generateSigningKey,
  type SigningKey,
  type TrustBundle,
  trustedKey,
  withCurrentTypes,
} from '#writ/signing';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { putTrustBundle, readSigningKey, readTrustBundle, writeLogVkey } from './keys.js';
import { closedPlace, type DeploymentPaths } from './paths.js';

const Continuation = z.strictObject({
  v: z.literal(1),
  /** The ledger that ends, and the one that goes on. */
  from: LedgerName,
  as: LedgerName,
  by: z.string().min(1).max(128),
  reason: z.string().min(1).max(256).optional(),
});
/** One ledger ends and another one goes on. It is on the disk from before anything changes until everything has. */
export type Continuation = Readonly<z.infer<typeof Continuation>>;

/** The continuation that was begun and is not complete; undefined when there is none. Throws CONFIG_DATA_DIR_CORRUPT. */
export async function readContinuation({ continuation: file }: DeploymentPaths): Promise<Continuation | undefined> {
  const text = await readFileIfPresent(file);
  if (text === undefined) return undefined;
  try {
    return parse(Continuation, JSON.parse(text), 'CONFIG_DATA_DIR_CORRUPT');
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${file}\` is damaged`, { cause });
  }
}

/** Writes down what is begun, so that nothing else starts before it is complete. Throws CONFIG_DATA_DIR. */
export function beginContinuation(paths: DeploymentPaths, continuation: Continuation): Promise<void> {
  return writeFileAtomic(paths.continuation, `${JSON.stringify(continuation)}\n`);
}

/** The continuation is complete: what it goes on as may start. Throws a system error when the file cannot be removed. */
export async function endContinuation(paths: DeploymentPaths): Promise<void> {
  await rm(paths.continuation, { force: true });
  await syncDirectory(paths.dataDir);
}

/** Throws CONFIG_DATA_DIR when the ledger of the data directory ends just now, or has ended, and no other one has begun. */
export async function assertNotContinuing(paths: DeploymentPaths): Promise<void> {
  const begun = await readContinuation(paths);
  const next = begun?.as ?? (existsSync(paths.trustBundle) ? (await readTrustBundle(paths)).next?.ledger : undefined);
  if (next === undefined) return;
  const message = `the ledger is to end and to go on as \`${next}\`: complete that with \`writ ledger continue --as ${next}\``;
  throw new Fault('CONFIG_DATA_DIR', message);
}

/**
 * Makes the key of the log that goes on, and has the root key say that the ledger may end for it. Call it again as often as you like.
 * Throws CONFIG_KEY, also while a key is being replaced.
 */
export async function nameNextLedger(paths: DeploymentPaths, root: SigningKey, ledger: string): Promise<void> {
  const bundle = await readTrustBundle(paths);
  if (bundle.next?.ledger === ledger) return;
  if (bundle.next !== undefined)
    throw new Fault('CONFIG_DATA_DIR', `the ledger is to go on as \`${bundle.next.ledger}\`, not as \`${ledger}\``);
  const replaced = bundle.keys.find(({ next, until }) => next !== undefined && until === undefined);
  if (replaced !== undefined) {
    const message = `the key of \`${replaced.name}\` is being replaced: start Writ, complete \`writ keys rotate\`, stop it`;
    throw new Fault('CONFIG_KEY', message);
  }
  const key = generateSigningKey(ledger);
  await writeFileAtomic(paths.logNextKey, key.toFileText());
  // If the process dies here there is a key that no bundle names, and the next try replaces it.
  await putTrustBundle(paths, root, { ...withCurrentTypes(bundle), next: { ledger, key: key.id } });
}

/** The end of a ledger: its last message, and its last head with the note of it. */
export type LedgerEnd = Omit<Required<ClosedLedger>, 'ledger'>;

/**
 * Has the root key say that the ledger has ended there and the next one begins behind it, by a bundle of that one. Nothing that signs
 * is in it but the same producers and the key of the new log. Throws CONFIG_KEY.
 */
export async function signNextBundle(paths: DeploymentPaths, root: SigningKey, end: LedgerEnd): Promise<void> {
  const { next, ...bundle } = await readTrustBundle(paths);
  const key = existsSync(paths.logNextKey) ? await readSigningKey(paths.logNextKey) : undefined;
  if (next === undefined || key?.id !== next.key)
    throw new Fault('CONFIG_KEY', `the key of the log that goes on is not at \`${paths.logNextKey}\``);
  const earlier = (bundle.closed ?? []).map(({ checkpoint: _checkpoint, ...closed }) => closed);
  const keys = bundle.keys.filter(({ role }) => role !== 'log').map(ofNextLedger);
  await putTrustBundle(paths, root, {
    ...bundle,
    ledger: next.ledger,
    closed: [...earlier, { ledger: bundle.ledger, ...end }].slice(-CLOSED_LEDGERS_MAX),
    keys: [...keys, trustedKey(key.verifyKey, next.ledger, 'log', [])],
  });
}

/** A key that ended in a ledger before counts for no leaf of this one, and for messages of the stream up to where it ended. */
function ofNextLedger(record: TrustBundle['keys'][number]): TrustBundle['keys'][number] {
  return record.until === undefined ? record : { ...record, until: { ...record.until, size: 0 } };
}

/** Puts the key of the new log where that of the old one was, which signs nothing any more and is gone. Throws CONFIG_KEY. */
export async function installNextLogKey(paths: DeploymentPaths): Promise<void> {
  const { keys, ledger } = await readTrustBundle(paths);
  const wanted = keys.filter(({ role, name }) => role === 'log' && name === ledger).map(({ id }) => id);
  if (existsSync(paths.logNextKey) && wanted.includes((await readSigningKey(paths.logNextKey)).id)) {
    await rename(paths.logNextKey, paths.logKey);
    await syncDirectory(dirname(paths.logKey));
  }
  const key = await readSigningKey(paths.logKey);
  if (!wanted.includes(key.id))
    throw new Fault('CONFIG_KEY', `the key \`${paths.logKey}\` is not that of \`${ledger}\``);
  // If the process dies here witnesses are told of the old key by a file; the next try writes it.
  await writeLogVkey(paths, key);
}

/** Moves what belongs to a ledger that has ended aside, whole. Call it again as often as you like. Throws CONFIG_DATA_DIR. */
export async function keepAside(place: string, ledger: string): Promise<void> {
  const kept = closedPlace(place, ledger);
  if (existsSync(kept)) return;
  await makePrivateDirectory(dirname(kept));
  try {
    await rename(place, kept);
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR', `\`${place}\` cannot be moved to \`${kept}\``, { cause });
  }
  await syncDirectory(dirname(kept));
  await syncDirectory(dirname(place));
}
