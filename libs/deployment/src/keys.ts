import type { WritConfig } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import { makePrivateDirectory, readFileIfPresent, readSecretFile, writeFileAtomic } from '#writ/files';
import { createUserNkey, parseUserNkey } from '#writ/nats';
import {
  formatVkey,
  generateSigningKey,
  openTrustBundle,
  parseSigningKey,
  parseVerifyKey,
  parseVkey,
  signTrustBundle,
  trustedKey,
  type Role,
  type SigningKey,
  type TrustBundle,
  withCurrentTypes,
} from '#writ/signing';
import { TenantKeys } from '#writ/vault';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { serviceInstances } from './instances.js';
import type { DeploymentPaths } from './paths.js';

/** Users of the bus that are no service instance and no agent. */
export const OTHER_USERS = ['operator', 'watch'] as const;

interface Producer {
  readonly name: string;
  readonly role: Role;
  readonly producers: readonly string[];
}

/** Who signs blocks in this deployment: the service instances and the operator. */
function producersOf(config: WritConfig): readonly Producer[] {
  return [...serviceInstances(config), { name: 'operator', role: 'operator', producers: ['operator'] }];
}

/** Makes all keys of a new deployment. What a start that died halfway left behind is written over. */
export async function createKeys(paths: DeploymentPaths, config: WritConfig): Promise<void> {
  for (const directory of [paths.keysDir, join(paths.keysDir, 'producers'), join(paths.keysDir, 'nats')]) {
    await makePrivateDirectory(directory);
  }
  const root = generateSigningKey(`${config.ledger}/root`);
  await writeFileAtomic(paths.rootKey, root.toFileText());
  await writeFileAtomic(paths.rootVkey, vkeyText(root));
  const log = generateSigningKey(config.ledger);
  await writeFileAtomic(paths.logKey, log.toFileText());
  await writeLogVkey(paths, log);
  await writePayloadKey(paths, TenantKeys.create());
  await createInstanceKeys(paths, config);
  await writeTrustBundle(paths, config, root);
}

/**
 * Reads every key once, so that damage shows at the start and not at the first use. Instances that the configuration has
 * added since get their keys, which takes the root key. Throws CONFIG_KEY, naming the file.
 */
export async function checkKeys(paths: DeploymentPaths, config: WritConfig): Promise<void> {
  await createInstanceKeys(paths, config, await readTrustBundle(paths));
  const log = await readSigningKey(paths.logKey);
  if (log.name !== config.ledger) {
    throw new Fault('CONFIG_DATA_DIR', `the data directory belongs to the ledger \`${log.name}\``);
  }
  await readPayloadKey(paths);
  for (const user of [...serviceInstances(config).map(({ name }) => name), ...OTHER_USERS]) {
    await readBusSeed(paths, user);
  }
  const bundle = await readTrustBundle(paths);
  await checkLogVkey(paths, log, bundle);
  for (const producer of producersOf(config)) {
    const key = await readSigningKey(paths.producerKey(producer.name));
    const known = bundle.keys.find(({ id, role }) => id === key.id && role === producer.role);
    if (known?.until === undefined && known !== undefined) continue;
    const why = known === undefined ? 'the trust bundle does not know' : 'the trust bundle has revoked';
    throw new Fault('CONFIG_KEY', `${why} the key \`${paths.producerKey(producer.name)}\``);
  }
}

function vkeyText({ name, verifyKey }: SigningKey): string {
  return `${formatVkey({ name, key: verifyKey })}\n`;
}

/**
 * Data directories of earlier releases get the file now, and a rotation that was interrupted leaves that of an earlier key. One with a
 * key that is not in the bundle would have witnesses watch a log that is not this one.
 */
async function checkLogVkey(paths: DeploymentPaths, log: SigningKey, { keys }: TrustBundle): Promise<void> {
  const found = await readFileIfPresent(paths.logVkey);
  if (found === vkeyText(log)) return;
  const logKeys = keys.filter(({ role, name }) => role === 'log' && name === log.name);
  const known = logKeys.map(({ name, key }) => `${formatVkey({ name, key: parseVerifyKey(key) })}\n`);
  if (found !== undefined && !known.includes(found)) {
    throw new Fault('CONFIG_KEY', `the key file \`${paths.logVkey}\` is not the public half of \`${paths.logKey}\``);
  }
  await writeLogVkey(paths, log);
}

/** Writes the public half of the key of the log, for its witnesses. */
export function writeLogVkey(paths: DeploymentPaths, log: SigningKey): Promise<void> {
  return writeFileAtomic(paths.logVkey, vkeyText(log));
}

/**
 * Makes the keys of instances that have none. With a bundle at hand only of those that it does not name: a key that the
 * bundle names and that is not there was lost, and is not made again in silence.
 */
async function createInstanceKeys(paths: DeploymentPaths, config: WritConfig, bundle?: TrustBundle): Promise<void> {
  const known = new Set(bundle?.keys.map(({ name }) => name));
  const added = producersOf(config).filter(({ name }) => !known.has(name));
  for (const { name } of added) {
    await writeFileAtomic(paths.producerKey(name), generateSigningKey(name).toFileText());
  }
  const users = bundle === undefined ? [...added.map(({ name }) => name), 'watch'] : added.map(({ name }) => name);
  for (const user of users) await writeFileAtomic(paths.natsSeed(user), `${createUserNkey().seed}\n`);
  if (bundle === undefined) return;
  const current = withCurrentTypes(bundle);
  // A block with an entry whose type its key may not write counts for nothing, so nothing is written under an older bundle.
  const isOlder = bundle.keys.some(({ types }, at) => types.length < (current.keys[at]?.types.length ?? 0));
  const isWatchedOtherwise = !isDeepStrictEqual(watchersIn(bundle), watchersOf(config));
  if (added.length === 0 && !isOlder && !isWatchedOtherwise) return;
  if (!existsSync(paths.rootKey)) {
    const what = isOlder ? 'new types of entries' : added.length > 0 ? 'new instances' : 'other witnesses';
    throw new Fault('CONFIG_KEY', `${what} need the root key at \`${paths.rootKey}\`, to sign the trust bundle`);
  }
  await writeTrustBundle(paths, config, await readSigningKey(paths.rootKey), current);
}

/** The members of a bundle that say who watches the ledger. They are left out where nobody does. */
type Watchers = Pick<TrustBundle, 'witnesses' | 'quorum'>;

/** Who is to watch, by the configuration. The bundle always says the quorum, so that what it asks for can be read in it. */
function watchersOf({ witnesses, witnessQuorum }: WritConfig): Watchers {
  if (witnesses.length === 0) return {};
  return { witnesses: witnesses.map(({ vkey }) => ({ vkey: vkey.trim() })), quorum: witnessQuorum ?? witnesses.length };
}

function watchersIn({ witnesses, quorum }: TrustBundle): Watchers {
  return { ...(witnesses !== undefined && { witnesses }), ...(quorum !== undefined && { quorum }) };
}

/** Signs the bundle of all producers. Keys of an earlier bundle stay in it: what they signed still has to verify. */
async function writeTrustBundle(
  paths: DeploymentPaths,
  config: WritConfig,
  root: SigningKey,
  earlier?: TrustBundle,
): Promise<void> {
  const keys = [...(earlier?.keys ?? [])];
  const add = (key: SigningKey, { name, role, producers }: Producer) => {
    if (!keys.some(({ id }) => id === key.id)) keys.push(trustedKey(key.verifyKey, name, role, producers));
  };
  for (const producer of producersOf(config)) add(await readSigningKey(paths.producerKey(producer.name)), producer);
  add(await readSigningKey(paths.logKey), { name: config.ledger, role: 'log', producers: [] });
  // Witnesses are those of now: one that was taken out is trusted no longer, also with what it cosigned before.
  const { version, next, closed } = earlier ?? {};
  await putTrustBundle(paths, root, {
    ...{ v: 1, ledger: config.ledger, keys, ...watchersOf(config) },
    ...(version !== undefined && { version }),
    ...(next !== undefined && { next }),
    ...(closed !== undefined && { closed }),
  });
}

/** Signs a bundle as the version after the one that it was made from, and puts it in the place of the one that is there. */
export async function putTrustBundle(paths: DeploymentPaths, root: SigningKey, bundle: TrustBundle): Promise<void> {
  const next = { ...bundle, version: (bundle.version ?? 0) + 1 };
  await writeFileAtomic(paths.trustBundle, signTrustBundle(root, next));
}

/** The trust bundle, checked against the pinned root key. */
export async function readTrustBundle(paths: DeploymentPaths): Promise<TrustBundle> {
  const vkey = (await readSecretFile(paths.rootVkey)).trim();
  return inFile(paths.trustBundle, (note) => openTrustBundle(note, vkey));
}

/** What others need to check this deployment, as vkeys: the root key for auditors, the key of the log for witnesses. */
export interface PublicKeys {
  readonly root: string;
  readonly log: string;
  /** While the key of the log is rotated: the one that signs beside it, and takes its place. Witnesses need both. */
  readonly logNext?: string;
}

/** The public keys of a deployment. Throws CONFIG_KEY, naming the file, when one is missing or damaged. */
export async function readPublicKeys(paths: DeploymentPaths): Promise<PublicKeys> {
  const vkeyIn = (file: string) => inFile(file, (text) => formatVkey(parseVkey(text)));
  const [root, log] = [await vkeyIn(paths.rootVkey), await vkeyIn(paths.logVkey)];
  const { keys } = await readTrustBundle(paths);
  const open = keys.find(({ role, next, until }) => role === 'log' && next !== undefined && until === undefined);
  const successor = keys.find(({ id }) => id === open?.next);
  if (successor === undefined) return { root, log };
  return { root, log, logNext: formatVkey({ name: successor.name, key: parseVerifyKey(successor.key) }) };
}

export function readSigningKey(file: string): Promise<SigningKey> {
  return inFile(file, parseSigningKey);
}

export function readBusSeed(paths: DeploymentPaths, user: string): Promise<{ seed: string; publicKey: string }> {
  return inFile(paths.natsSeed(user), parseUserNkey);
}

/** The tenant's keys over the vault. Throws CONFIG_KEY, naming the file. */
export function readPayloadKey(paths: DeploymentPaths): Promise<TenantKeys> {
  return inFile(paths.payloadKey, (text) => TenantKeys.parse(text));
}

/** Puts other keys over the vault in the place of those that are there. Throws a system error when the file cannot be written. */
export function writePayloadKey(paths: DeploymentPaths, keys: TenantKeys): Promise<void> {
  return writeFileAtomic(paths.payloadKey, keys.toFileText());
}

async function inFile<T>(file: string, parseText: (text: string) => T): Promise<T> {
  const text = await readSecretFile(file);
  try {
    return parseText(text);
  } catch (cause) {
    throw new Fault('CONFIG_KEY', `the key file \`${file}\` is damaged`, { cause });
  }
}
