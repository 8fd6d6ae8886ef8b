import { Fault } from '#writ/faults';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const OTHERS_MASK = 0o077;

/**
 * Writes the whole file or nothing: after a crash the old text or the new one is there, never a part. The mode is 0600 if nothing is
 * said, because everything in a data directory is the deployment's own business.
 */
export async function writeFileAtomic(file: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}.draft`;
  try {
    const handle = await open(draft, 'wx', mode);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (cause) {
    await rm(draft, { force: true });
    throw new Fault('CONFIG_DATA_DIR', `\`${file}\` cannot be written`, { cause });
  }
  // If the machine dies here the rename may be lost, but not half done.
  await syncDirectory(dirname(file));
}

/** Makes the names in a directory durable: a file that was made or renamed there is still there after a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory that only this user can look into. */
export async function makePrivateDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR', `the directory \`${directory}\` cannot be made`, { cause });
  }
}

/** Reads a file that holds a secret. Throws CONFIG_KEY, naming the file, when it is missing or others may read it. */
export async function readSecretFile(file: string): Promise<string> {
  try {
    const { mode } = await stat(file);
    if ((mode & OTHERS_MASK) !== 0) {
      throw new Fault('CONFIG_KEY', `others may read the key file \`${file}\`: \`chmod 600\` it, or make a new key`);
    }
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('CONFIG_KEY', `the key file \`${file}\` is missing or cannot be read`, { cause });
  }
}

/** The text of a file, or undefined when there is none. */
export async function readFileIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Fault('CONFIG_DATA_DIR', `\`${file}\` cannot be read`, { cause: error });
  }
}
