import { Fault } from '#writ/faults';
import { makePrivateDirectory, readSecretFile, writeFileAtomic } from '#writ/files';
import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';

const KEY_BYTES = 32;
/** More than any number of interrupted tries leaves. */
const IDENTITIES_MAX = 64;

/** A key of a store, wrapped to the age identity with that public key. */
interface WrappedKey {
  readonly wrapped: string;
  readonly recipient: string;
}

/**
 * Makes a new key for a store, wrapped to the age identity in that file, which is made when it is not there. Throws CONFIG_KEY when
 * others may read the file or it holds no identity.
 */
export async function makeWrappedKey(identityFile: string): Promise<string> {
  if (!existsSync(identityFile)) {
    await makePrivateDirectory(dirname(identityFile));
    await writeFileAtomic(identityFile, await textOf([(await makeIdentity()).identity], identityFile));
    // If the process dies here there is an identity and no store; the next try uses it.
  }
  const [identity = ''] = await readIdentities(identityFile);
  return wrap(randomBytes(KEY_BYTES), await recipientOf(identity, identityFile));
}

/** The key of a store, 32 bytes. Throws CONFIG_KEY when the identity file is missing, readable by others, or not the right one. */
export async function unwrapKey(wrapped: string, identityFile: string): Promise<Buffer> {
  return (await open(wrapped, identityFile)).key;
}

/**
 * Puts a new identity into the file beside what is there, and makes a new key of a store wrapped to it. `old` is the public key of the
 * identity that opens the store now. Throws CONFIG_KEY.
 */
export async function addIdentity(
  wrapped: string,
  identityFile: string,
): Promise<WrappedKey & { readonly key: Buffer; readonly old: string }> {
  const known = await readIdentities(identityFile);
  if (known.length >= IDENTITIES_MAX)
    throw new Fault('CONFIG_KEY', `the key file \`${identityFile}\` holds ${known.length} identities`);
  const current = await open(wrapped, identityFile);
  const { identity, recipient } = await makeIdentity();
  await writeFileAtomic(identityFile, await textOf([...known, identity], identityFile));
  // If the process dies here the file has an identity too many, and the store opens as before.
  const key = randomBytes(KEY_BYTES);
  const old = await recipientOf(current.identity, identityFile);
  return { wrapped: await wrap(key, recipient), recipient, key, old };
}

/**
 * Takes every identity out of the file but the one that opens the store; with `keepIn` those go there first, into a new file for its
 * owner alone. Throws CONFIG_KEY, CONFIG_NAME_TAKEN when there is such a file.
 */
export async function dropOtherIdentities(wrapped: string, identityFile: string, keepIn?: string): Promise<void> {
  const { identity } = await open(wrapped, identityFile);
  const others = (await readIdentities(identityFile)).filter((each) => each !== identity);
  if (keepIn !== undefined) {
    assertFree(keepIn);
    await writeFileAtomic(keepIn, await textOf(others, identityFile));
    // If the process dies here the identities are in both files.
  }
  await writeFileAtomic(identityFile, await textOf([identity], identityFile));
}

/** Throws CONFIG_NAME_TAKEN when there is such a file: another key may be in it. */
export function assertFree(file: string): void {
  if (existsSync(file)) throw new Fault('CONFIG_NAME_TAKEN', `there is a file \`${file}\`: it is not replaced`);
}

async function open(wrapped: string, file: string): Promise<{ readonly identity: string; readonly key: Buffer }> {
  const identities = await readIdentities(file);
  // Loaded when a store is used: most processes have none, and it brings its own cryptography.
  const { armor, Decrypter } = await import('age-encryption');
  for (const identity of identities) {
    try {
      const decrypter = new Decrypter();
      decrypter.addIdentity(identity);
      const key = Buffer.from(await decrypter.decrypt(armor.decode(wrapped)));
      if (key.length === KEY_BYTES) return { identity, key };
    } catch {
      // The cause is dropped: it is about a private key. The next one may open it.
    }
  }
  throw new Fault('CONFIG_KEY', `the age identity \`${file}\` does not open the secret store`);
}

async function wrap(key: Buffer, recipient: string): Promise<string> {
  const { armor, Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(key));
}

async function makeIdentity(): Promise<{ readonly identity: string; readonly recipient: string }> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

async function readIdentities(file: string): Promise<readonly string[]> {
  const text = await readSecretFile(file);
  const found = text.split('\n').flatMap((each) => (each.startsWith('AGE-SECRET-KEY-') ? [each.trim()] : []));
  if (found.length === 0) throw new Fault('CONFIG_KEY', `the key file \`${file}\` holds no age identity`);
  return found;
}

/** Identities as the `age` program writes them. */
async function textOf(identities: readonly string[], file: string): Promise<string> {
  const blocks = identities.map(async (each) => `# public key: ${await recipientOf(each, file)}\n${each}\n`);
  return (await Promise.all(blocks)).join('');
}

async function recipientOf(identity: string, file: string): Promise<string> {
  const { identityToRecipient } = await import('age-encryption');
  try {
    return await identityToRecipient(identity);
  } catch {
    throw new Fault('CONFIG_KEY', `the key file \`${file}\` holds no age identity`);
  }
}
