import { Fault } from '#writ/faults';
import { makePrivateDirectory, readSecretFile, writeFileAtomic } from '#writ/files';
import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';

const KEY_BYTES = 32;

/**
 * Makes a new key for a store, wrapped to the age identity in that file, which is made when it is not there. Throws CONFIG_KEY when
 * others may read the file or it holds no identity.
 */
export async function makeWrappedKey(identityFile: string): Promise<string> {
  // Loaded when a store is used: most processes have none, and it brings its own cryptography.
  const { armor, Encrypter, generateX25519Identity, identityToRecipient } = await import('age-encryption');
  if (!existsSync(identityFile)) {
    await makePrivateDirectory(dirname(identityFile));
    const identity = await generateX25519Identity();
    const text = `# public key: ${await identityToRecipient(identity)}\n${identity}\n`;
    await writeFileAtomic(identityFile, text);
    // If the process dies here there is an identity and no store; the next try uses it.
  }
  const encrypter = new Encrypter();
  encrypter.addRecipient(await recipientOf(await readIdentity(identityFile), identityToRecipient, identityFile));
  return armor.encode(await encrypter.encrypt(randomBytes(KEY_BYTES)));
}

/** The key of a store, 32 bytes. Throws CONFIG_KEY when the identity file is missing, readable by others, or not the right one. */
export async function unwrapKey(wrapped: string, identityFile: string): Promise<Buffer> {
  const identity = await readIdentity(identityFile);
  const { armor, Decrypter } = await import('age-encryption');
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const key = Buffer.from(await decrypter.decrypt(armor.decode(wrapped)));
    if (key.length === KEY_BYTES) return key;
  } catch {
    // The cause is dropped: it is about a private key.
  }
  throw new Fault('CONFIG_KEY', `the age identity \`${identityFile}\` does not open the secret store`);
}

async function readIdentity(file: string): Promise<string> {
  const text = await readSecretFile(file);
  const line = text.split('\n').find((each) => each.startsWith('AGE-SECRET-KEY-'));
  if (line === undefined) throw new Fault('CONFIG_KEY', `the key file \`${file}\` holds no age identity`);
  return line.trim();
}

async function recipientOf(
  identity: string,
  toRecipient: (identity: string) => Promise<string>,
  file: string,
): Promise<string> {
  try {
    return await toRecipient(identity);
  } catch {
    throw new Fault('CONFIG_KEY', `the key file \`${file}\` holds no age identity`);
  }
}
