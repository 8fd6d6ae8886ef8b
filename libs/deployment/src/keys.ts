import type { WritConfig } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import { createUserNkey, parseUserNkey } from '#writ/nats';
import {
  formatVkey,
  generateSigningKey,
  openTrustBundle,
  parseSigningKey,
  signTrustBundle,
  trustedKey,
  type Role,
  type SigningKey,
  type TrustBundle,
  withCurrentTypes,
} from '#writ/signing';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDirectory, readSecretFile, writeFileAtomic } from './files.js';
import { serviceInstances } from './instances.js';
import type { DeploymentPaths } from './paths.js';

/** Users of the bus that are no service instance and no agent. */
export const OTHER_USERS = ['operator', 'siem', 'watch'] as const;

const PAYLOAD_KEY_BYTES = 32;

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
  await writeFileAtomic(paths.rootVkey, `${formatVkey({ name: root.name, key: root.verifyKey })}\n`);
  await writeFileAtomic(paths.logKey, generateSigningKey(config.ledger).toFileText());
  await writeFileAtomic(paths.payloadKey, `${randomBytes(PAYLOAD_KEY_BYTES).toString('base64url')}\n`);
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
  for (const producer of producersOf(config)) {
    const key = await readSigningKey(paths.producerKey(producer.name));
    if (!bundle.keys.some(({ id, role }) => id === key.id && role === producer.role)) {
      throw new Fault('CONFIG_KEY', `the trust bundle does not know the key \`${paths.producerKey(producer.name)}\``);
    }
  }
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
  const users =
    bundle === undefined ? [...added.map(({ name }) => name), 'siem', 'watch'] : added.map(({ name }) => name);
  for (const user of users) await writeFileAtomic(paths.natsSeed(user), `${createUserNkey().seed}\n`);
  if (bundle === undefined) return;
  const current = withCurrentTypes(bundle);
  // A block with an entry whose type its key may not write counts for nothing, so nothing is written under an older bundle.
  const isOlder = bundle.keys.some(({ types }, at) => types.length < (current.keys[at]?.types.length ?? 0));
  if (added.length === 0 && !isOlder) return;
  if (!existsSync(paths.rootKey)) {
    const what = isOlder ? 'new types of entries' : 'new instances';
    throw new Fault('CONFIG_KEY', `${what} need the root key at \`${paths.rootKey}\`, to sign the trust bundle`);
  }
  await writeTrustBundle(paths, config, await readSigningKey(paths.rootKey), current);
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
  await writeFileAtomic(paths.trustBundle, signTrustBundle(root, { v: 1, ledger: config.ledger, keys }));
}

/** The trust bundle, checked against the pinned root key. */
export async function readTrustBundle(paths: DeploymentPaths): Promise<TrustBundle> {
  const vkey = (await readSecretFile(paths.rootVkey)).trim();
  return inFile(paths.trustBundle, (note) => openTrustBundle(note, vkey));
}

export function readSigningKey(file: string): Promise<SigningKey> {
  return inFile(file, parseSigningKey);
}

export function readBusSeed(paths: DeploymentPaths, user: string): Promise<{ seed: string; publicKey: string }> {
  return inFile(paths.natsSeed(user), parseUserNkey);
}

/** The 32 bytes that wrap the data keys of the payload store. */
export function readPayloadKey(paths: DeploymentPaths): Promise<Buffer> {
  return inFile(paths.payloadKey, (text) => {
    const key = Buffer.from(text.trim(), 'base64url');
    if (key.length !== PAYLOAD_KEY_BYTES) throw new Fault('CONFIG_KEY', 'the payload key has not 32 bytes');
    return key;
  });
}

async function inFile<T>(file: string, parseText: (text: string) => T): Promise<T> {
  const text = await readSecretFile(file);
  try {
    return parseText(text);
  } catch (cause) {
    throw new Fault('CONFIG_KEY', `the key file \`${file}\` is damaged`, { cause });
  }
}
