import {
  beginRotation,
  deploymentPaths,
  type DeploymentPaths,
  endRotation,
  installKey,
  readRootKey,
  readTrustBundle,
  type RotatedKey,
  type Rotation,
  rotationIn,
} from '#writ/deployment';
import { Fault } from '#writ/faults';
import { acquireLock } from '#writ/files';
import { openOperator, recordRotation, type RotationEntry } from '#writ/operator';
import { Authority, formatVkey, parseVerifyKey, type SigningKey } from '#writ/signing';
import { endOfMessage } from '#writ/tlog';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogFolder } from '../ledger/log-folder.js';
import { runningWrit, sealerHealth, untilServices } from './running-services.js';

export interface RotateRequest {
  readonly dataDir: string;
  /** `log`, or the name of a producer process. */
  readonly name: string;
  /** File of the root key, when it is not in the data directory. */
  readonly rootKey: string | undefined;
  /** Directory of the log; absent: that of the data directory. */
  readonly log: string | undefined;
  /** Of the log: `begin` has both keys sign, `end` the new one alone, `both` does one after the other. */
  readonly phase: 'begin' | 'end' | 'both';
  readonly note: (line: string) => void;
}

/** What a rotation did. `size`: of a key that ended, how far it counts; of one of the log that began, from where it signs. */
export interface Rotated {
  readonly name: string;
  readonly old: string;
  readonly next: string;
  readonly phase: 'begun' | 'ended';
  readonly size: number;
  /** The new key of a log, for its witnesses. */
  readonly vkey?: string;
}

const SEALED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;

/**
 * Replaces a key of a running deployment, without a restart: a new key, a trust bundle that names it, the change on record, a bundle that
 * says how far the old key counts. What an earlier try left half done is completed. Throws CONFIG_NOT_RUNNING, CONFIG_NOT_FOUND,
 * CONFIG_KEY, CONFIG_DATA_DIR_LOCKED, LEDGER_*.
 */
export async function rotateKey(request: RotateRequest): Promise<Rotated> {
  const paths = deploymentPaths(request.dataDir);
  await runningWrit(paths);
  const root = await readRootKey(paths, request.rootKey);
  const lock = await acquireLock(paths.rotationLock);
  const parts = { paths, root, request };
  try {
    if (request.name !== 'log') return await rotateProducer(parts, request.name);
    if (request.phase === 'end') return await endLog(parts);
    const begun = await beginLog(parts);
    return request.phase === 'both' ? await endLog(parts) : begun;
  } finally {
    await lock.release();
  }
}

interface Parts {
  readonly paths: DeploymentPaths;
  readonly root: SigningKey;
  readonly request: RotateRequest;
}

async function rotateProducer({ paths, root, request }: Parts, instance: string): Promise<Rotated> {
  const bundle = await readTrustBundle(paths);
  if (!bundle.keys.some(({ name, role }) => name === instance && role !== 'log'))
    throw new Fault('CONFIG_NOT_FOUND', `the trust bundle has no key of a producer process \`${instance}\``);
  const which: RotatedKey = { instance };
  const rotation = await beginRotation(paths, which, { root });
  const { old, next } = rotation;
  request.note(`the trust bundle names key ${next.id} of ${instance}`);
  // Blocks of a key that a reader does not know yet would be passed over: nobody signs with it before all know it.
  await untilBundleTaken(paths);
  await installKey(paths, which, rotation);
  await untilServices(paths, `use its new key`, ({ key }, name) => name !== instance || key === next.id);
  request.note(`${instance} signs with key ${next.id}`);
  const seq = await record(paths, [
    { type: 'producer.enrolled', instance, key: next.id },
    { type: 'producer.revoked', instance, key: old.id, next: next.id },
  ]);
  // If the process dies here the sealer takes no block of the old key any more, and the next try says so in the bundle.
  const { begins } = new Authority(bundle);
  const size = await endInLog(new LogFolder(request.log ?? paths.logDir), seq, begins);
  await endRotation(paths, rotation, { root, until: { seq, size } });
  await untilBundleTaken(paths);
  return { name: instance, old: old.id, next: next.id, phase: 'ended', size };
}

async function beginLog({ paths, root, request }: Parts): Promise<Rotated> {
  const head = (await sealerHealth(paths))?.head;
  if (head === undefined || head === null)
    throw new Fault('CONFIG_NOT_RUNNING', 'the sealer has signed nothing yet, or does not answer');
  const rotation = await beginRotation(paths, 'log', { root, from: head.size });
  const { old, next } = rotation;
  await untilBundleTaken(paths);
  const size = next.from ?? 0;
  await record(paths, [{ type: 'ledger.key.rotated', old: old.id, new: next.id, phase: 'begun', size }]);
  await untilSignedBy(paths, (ids) => ids.includes(next.id));
  request.note(`both keys sign the log from ${size} entries on`);
  const vkey = formatVkey({ name: next.name, key: parseVerifyKey(next.key) });
  return { name: 'log', old: old.id, next: next.id, phase: 'begun', size, vkey };
}

async function endLog({ paths, root }: Parts): Promise<Rotated> {
  const bundle = await readTrustBundle(paths);
  const rotation = rotationIn(bundle, 'log') ?? rotationIn(bundle, 'log', true);
  if (rotation === undefined)
    throw new Fault('CONFIG_NOT_FOUND', 'no rotation of the key of the log has begun: `writ keys rotate log`');
  const size = rotation.old.until?.size ?? (await sizeSignedByBoth(paths, rotation));
  await endRotation(paths, rotation, { root, until: { size } });
  await untilBundleTaken(paths);
  const { old, next } = rotation;
  await record(paths, [{ type: 'ledger.key.rotated', old: old.id, new: next.id, phase: 'ended', size }]);
  await untilSignedBy(paths, (ids) => !ids.includes(old.id));
  await installKey(paths, 'log', rotation);
  const vkey = formatVkey({ name: next.name, key: parseVerifyKey(next.key) });
  return { name: 'log', old: old.id, next: next.id, phase: 'ended', size, vkey };
}

/** What both signed needs the old key no longer. Every larger tree that it signs until it hears of its end is signed by both as well. */
async function sizeSignedByBoth(paths: DeploymentPaths, { next }: Rotation): Promise<number> {
  await untilSignedBy(paths, (ids) => ids.includes(next.id));
  const size = (await sealerHealth(paths))?.head?.size;
  if (size !== undefined) return size;
  throw new Fault('CONFIG_NOT_RUNNING', 'the sealer does not answer');
}

function untilSignedBy(paths: DeploymentPaths, holds: (ids: readonly string[]) => boolean): Promise<void> {
  return untilServices(paths, 'sign under the new bundle', ({ signedBy }) => signedBy === undefined || holds(signedBy));
}

async function untilBundleTaken(paths: DeploymentPaths): Promise<void> {
  const { version = 0 } = await readTrustBundle(paths);
  await untilServices(paths, `take version ${version} of the trust bundle`, ({ bundle }) => bundle >= version);
}

/** Puts the entries on record as the operator, whose own key may be the one that changes. */
async function record(paths: DeploymentPaths, entries: readonly RotationEntry[]): Promise<number> {
  const operator = await openOperator({ dataDir: paths.dataDir, url: process.env['WRIT_NATS_URL'] });
  return recordRotation(operator, entries).finally(() => operator.close());
}

/** Leaves of the log up to the end of that message, once it is sealed. */
async function endInLog(log: LogFolder, seq: number, begins: number): Promise<number> {
  const deadline = performance.now() + SEALED_WITHIN_MS;
  for (;;) {
    const end = await endOfMessage(log, seq, begins);
    if (end !== undefined) return end;
    if (performance.now() > deadline) {
      const message = `message ${seq} is not in the log at \`${log.directory}\` yet: \`--log\` names another one; run this again`;
      throw new Fault('LEDGER_UNAVAILABLE', message);
    }
    await sleep(LOOK_EVERY_MS);
  }
}
