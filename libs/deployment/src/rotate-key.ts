import { Fault } from '#writ/faults';
import { readFileIfPresent, syncDirectory, writeFileAtomic } from '#writ/files';
import {
  formatVkey,
  generateSigningKey,
  type SigningKey,
  type TrustBundle,
  trustedKey,
  type TrustedKeyRecord,
} from '#writ/signing';
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { putTrustBundle, readSigningKey, readTrustBundle, writeLogVkey } from './keys.js';
import type { DeploymentPaths } from './paths.js';

/** Which key is rotated: that of the log, or of the producer process with that name. */
export type RotatedKey = 'log' | { readonly instance: string };

/** The two keys of a rotation as the trust bundle has them. */
export interface Rotation {
  readonly old: TrustedKeyRecord;
  readonly next: TrustedKeyRecord;
}

/** The root key in that file. Throws CONFIG_KEY when it is missing, or is not the root of this deployment. */
export async function readRootKey(paths: DeploymentPaths, file: string | undefined): Promise<SigningKey> {
  const from = file ?? paths.rootKey;
  if (!existsSync(from)) throw new Fault('CONFIG_KEY', `this needs the root key, and it is not at \`${from}\``);
  const root = await readSigningKey(from);
  const vkey = `${formatVkey({ name: root.name, key: root.verifyKey })}\n`;
  if (vkey === (await readFileIfPresent(paths.rootVkey))) return root;
  throw new Fault('CONFIG_KEY', `the key in \`${from}\` is not the root key of this deployment`);
}

/**
 * The rotation of that key which has begun and has not ended, by the bundle: the old key has a successor and no end yet. Without
 * one: the newest that has ended, when `isEnded` asks for it.
 */
export function rotationIn(bundle: TrustBundle, which: RotatedKey, isEnded = false): Rotation | undefined {
  const name = which === 'log' ? bundle.ledger : which.instance;
  const old = bundle.keys.findLast(
    (record) =>
      record.name === name &&
      isOf(record, which) &&
      record.next !== undefined &&
      (record.until !== undefined) === isEnded,
  );
  const next = bundle.keys.find(({ id }) => id === old?.next);
  return old === undefined || next === undefined ? undefined : { old, next };
}

/**
 * Makes the key that takes the place of the one in force, and signs a bundle which names both; goes on where an earlier try ended.
 * `from`: of the log, the smallest tree that the new key signs. Nothing is signed by the new key yet. Throws CONFIG_NOT_FOUND for a
 * process that has no key here, and CONFIG_KEY.
 */
export async function beginRotation(
  paths: DeploymentPaths,
  which: RotatedKey,
  { root, from }: { readonly root: SigningKey; readonly from?: number },
): Promise<Rotation> {
  const bundle = await readTrustBundle(paths);
  const open = rotationIn(bundle, which);
  if (open !== undefined) {
    await assertAtHand(paths, which, open);
    return open;
  }
  const { file, nextFile } = filesOf(paths, which);
  if (!existsSync(file)) throw new Fault('CONFIG_NOT_FOUND', `there is no key \`${file}\``);
  const { id } = await readSigningKey(file);
  const old = bundle.keys.find((record) => record.id === id && isOf(record, which));
  if (old === undefined || old.until !== undefined)
    throw new Fault('CONFIG_KEY', `the key \`${file}\` is none that the trust bundle has in force`);
  // Nobody has seen the key of a try that ended before its bundle was signed: it is made anew.
  const made = generateSigningKey(old.name);
  await writeFileAtomic(nextFile, made.toFileText());
  // If the process dies here there is a key that no bundle names, and the next try replaces it.
  const next = {
    ...trustedKey(made.verifyKey, old.name, old.role, old.producers),
    ...(from !== undefined && { from }),
  };
  const keys = bundle.keys.map((record) => (record.id === id ? { ...record, next: next.id } : record));
  await putTrustBundle(paths, root, { ...bundle, keys: [...keys, next] });
  // If the process dies here the bundle says so, and the next try goes on with this key.
  return { old: { ...old, next: next.id }, next };
}

/** Puts the new key where the old one was. Call it again as often as you like. */
export async function installKey(paths: DeploymentPaths, which: RotatedKey, { next }: Rotation): Promise<void> {
  const { file, nextFile } = filesOf(paths, which);
  if ((await idIn(nextFile)) === next.id) {
    await rename(nextFile, file);
    await syncDirectory(dirname(file));
  }
  // If the process dies here witnesses are told of the old key by a file; the next try, or the next start, writes it.
  if (which === 'log') await writeLogVkey(paths, await readSigningKey(file));
}

/** Signs a bundle that says how far the old key counts; nothing to do when it says so already. */
export async function endRotation(
  paths: DeploymentPaths,
  { old }: Rotation,
  { root, until }: { readonly root: SigningKey; readonly until: NonNullable<TrustedKeyRecord['until']> },
): Promise<void> {
  const bundle = await readTrustBundle(paths);
  const isOpen = bundle.keys.some(({ id, until: end }) => id === old.id && end === undefined);
  if (!isOpen) return;
  const keys = bundle.keys.map((record) => (record.id === old.id ? { ...record, until } : record));
  await putTrustBundle(paths, root, { ...bundle, keys });
}

function isOf({ role }: TrustedKeyRecord, which: RotatedKey): boolean {
  return (role === 'log') === (which === 'log');
}

function filesOf(paths: DeploymentPaths, which: RotatedKey): { readonly file: string; readonly nextFile: string } {
  if (which === 'log') return { file: paths.logKey, nextFile: paths.logNextKey };
  return { file: paths.producerKey(which.instance), nextFile: paths.producerNextKey(which.instance) };
}

async function assertAtHand(paths: DeploymentPaths, which: RotatedKey, { next }: Rotation): Promise<void> {
  const { file, nextFile } = filesOf(paths, which);
  const found = [await idIn(file), await idIn(nextFile)];
  if (!found.includes(next.id))
    throw new Fault(
      'CONFIG_KEY',
      `the trust bundle names a new key of \`${next.name}\`, and it is not at \`${nextFile}\``,
    );
}

async function idIn(file: string): Promise<string | undefined> {
  return existsSync(file) ? (await readSigningKey(file)).id : undefined;
}
