import { Fault, toFault } from '#writ/faults';
import { acquireLock, makePrivateDirectory, readFileIfPresent, writeFileAtomic } from '#writ/files';
import { openBox, sealBox } from '#writ/vault';
import { hkdfSync } from 'node:crypto';
import { dirname } from 'node:path';
import { addIdentity, assertFree, dropOtherIdentities, makeWrappedKey, unwrapKey } from './identity.js';
import {
  assertSecretName,
  emptySecretFile,
  inForce,
  parseSecretFile,
  recordOf,
  type SecretChange,
  type SecretFile,
  tidied,
  withKey,
  withoutPrevious,
  withoutSecret,
  withRotated,
  withSecret,
} from './secret-file.js';

/** Where a store lies: absolute paths of its file and of the age identity that opens it. */
export interface SecretPlace {
  readonly file: string;
  readonly identity: string;
}

/** The value of a secret, and earlier ones that may still be echoed. */
export interface SecretValues {
  readonly current: string;
  readonly previous: readonly string[];
}

/** What may be told of a secret. */
export interface ListedSecret {
  readonly name: string;
  readonly version: number;
  readonly since: string;
  /** Earlier versions that are still taken out of answers, newest first. */
  readonly previous: readonly { readonly version: number; readonly until: string }[];
}

const KEY_BYTES = 32;
/** A shorter value could not be told from ordinary text in an answer. */
const VALUE_CHARACTERS_MIN = 8;
const VALUE_CHARACTERS_MAX = 8_192;
const LOCK_WAIT_MS = 5_000;

/**
 * Secrets in one file, each sealed with AES-256-GCM under a key of its own name and version, and the key of the store wrapped to an
 * age identity. A value moved under another name or version does not open. What the file was yesterday it can be again: whoever can
 * write to it can put an older one in its place, and the ledger has what was in force when.
 */
export class SecretStore {
  #kek: { readonly wrapped: string; readonly key: Promise<Buffer> } | undefined;

  constructor(private readonly place: SecretPlace) {}

  /**
   * The values of a secret, from the file as it is now; undefined when there is no such secret. Throws CONFIG_KEY and
   * CONFIG_DATA_DIR_CORRUPT, never with anything of a value.
   */
  async values(name: string, now: Date): Promise<SecretValues | undefined> {
    try {
      return await this.#values(name, now);
    } catch (error) {
      // Somebody may have given the store another key after its file was read and before the identity was.
      if (toFault(error).code !== 'CONFIG_KEY') throw error;
      return this.#values(name, now);
    }
  }

  async #values(name: string, now: Date): Promise<SecretValues | undefined> {
    const file = await this.#read();
    const record = file === undefined ? undefined : recordOf(file, name);
    if (file === undefined || record === undefined) return undefined;
    const kek = await this.#key(file);
    const open = ({ ver, box }: { readonly ver: number; readonly box: string }) => openValue(kek, { name, ver, box });
    return { current: open(record.current), previous: inForce(record.previous, now).map(open) };
  }

  /** What there is, by name. Opens nothing. Throws CONFIG_DATA_DIR_CORRUPT. */
  async list(now: Date): Promise<readonly ListedSecret[]> {
    const { secrets = {} } = (await this.#read()) ?? {};
    return Object.entries(secrets)
      .map(([name, { current, previous }]) => ({
        name,
        version: current.ver,
        since: current.at,
        previous: inForce(previous, now).map(({ ver: version, until }) => ({ version, until })),
      }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Puts a new secret in; the first one makes the store, and the age identity when there is none. Throws INPUT_BAD_NAME, INPUT_INVALID
   * for a value that cannot be one, CONFIG_NAME_TAKEN, CONFIG_KEY, CONFIG_DATA_DIR.
   */
  async set(name: string, value: string, now: Date): Promise<void> {
    assertSecretName(name);
    assertValue(value);
    await this.#change(now, (file, kek) => withSecret(file, name, sealer(kek, name, value), now));
  }

  /** Replaces the value; the one before is still taken out of answers until `keepUntil`. Throws CONFIG_NOT_FOUND, and as `set`. */
  async rotate(name: string, value: string, times: { readonly now: Date; readonly keepUntil: Date }): Promise<void> {
    assertSecretName(name);
    assertValue(value);
    await this.#change(times.now, (file, kek) => withRotated(file, name, sealer(kek, name, value), times));
  }

  /** Forgets the earlier values of a secret. Throws CONFIG_NOT_FOUND. */
  async dropPrevious(name: string, now: Date): Promise<void> {
    assertSecretName(name);
    await this.#change(now, (file) => withoutPrevious(file, name));
  }

  /** Takes a secret away, with its earlier values. Throws CONFIG_NOT_FOUND. */
  async remove(name: string, now: Date): Promise<void> {
    assertSecretName(name);
    await this.#change(now, (file) => withoutSecret(file, name));
  }

  /**
   * Gives the store a new key under a new age identity, and seals every value anew. The old identity is destroyed, or kept in the new file
   * `keepOldIn`, an absolute path. Whoever dies at it leaves a store that opens; another try completes what is left. Returns how many
   * values there are and the public key of the identity. Throws CONFIG_NOT_FOUND without a store, CONFIG_NAME_TAKEN, CONFIG_KEY, CONFIG_DATA_DIR*.
   */
  async rekey(now: Date, keepOldIn?: string): Promise<{ readonly count: number; readonly recipient: string }> {
    const { file, identity } = this.place;
    return this.#locked(async () => {
      const found = await this.#read();
      if (found === undefined) throw new Fault('CONFIG_NOT_FOUND', 'there is no secret store');
      if (keepOldIn !== undefined) assertFree(keepOldIn);
      const before = tidied(found, [], now);
      const oldKey = await this.#key(before);
      const { wrapped, recipient, key, old } = await addIdentity(before.kek, identity);
      const reseal = (name: string, ver: number, box: string) =>
        sealer(key, name, openValue(oldKey, { name, ver, box }))(ver);
      const after = withKey(before, { kek: wrapped, old, next: recipient }, reseal);
      await writeFileAtomic(file, `${JSON.stringify(after, null, 2)}\n`);
      // If the process dies here the store has its new key, and the old identity is still beside the new one.
      await dropOtherIdentities(wrapped, identity, keepOldIn);
      return { count: Object.keys(after.secrets).length, recipient };
    });
  }

  /** Changes that the ledger does not have yet, oldest first. Throws CONFIG_DATA_DIR_CORRUPT. */
  async unrecorded(): Promise<readonly SecretChange[]> {
    return (await this.#read())?.unrecorded ?? [];
  }

  /** Notes that the ledger has those changes. */
  async markRecorded(recorded: readonly SecretChange[], now: Date): Promise<void> {
    if (recorded.length > 0) await this.#change(now, (file) => tidied(file, recorded, now));
  }

  async #change(now: Date, change: (file: SecretFile, kek: Buffer) => SecretFile): Promise<void> {
    const { file, identity } = this.place;
    await this.#locked(async () => {
      const before = (await this.#read()) ?? emptySecretFile(await makeWrappedKey(identity));
      const after = tidied(change(before, await this.#key(before)), [], now);
      await writeFileAtomic(file, `${JSON.stringify(after, null, 2)}\n`);
      // If the process dies here the change is in force; it waits in the file until it is on record.
    });
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const { file } = this.place;
    await makePrivateDirectory(dirname(file));
    const lock = await acquireLock(`${file}.lock`, LOCK_WAIT_MS);
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  async #read(): Promise<SecretFile | undefined> {
    const text = await readFileIfPresent(this.place.file);
    return text === undefined ? undefined : parseSecretFile(text, this.place.file);
  }

  /** Kept as long as the file says the same: to unwrap it takes longer than all the rest. */
  #key({ kek: wrapped }: SecretFile): Promise<Buffer> {
    if (this.#kek?.wrapped !== wrapped) {
      const key = unwrapKey(wrapped, this.place.identity);
      this.#kek = { wrapped, key };
      // What failed is tried again: somebody may have put the identity in its place by then.
      key.catch(() => (this.#kek = undefined));
    }
    return this.#kek.key;
  }
}

/** Says what a value is of: the key is derived from it, and it is authenticated with the value. */
function about(name: string, version: number): string {
  return `writ-secret/v1\n${name}\n${version}`;
}

function keyOf(kek: Buffer, name: string, version: number): Buffer {
  return Buffer.from(hkdfSync('sha256', kek, '', about(name, version), KEY_BYTES));
}

function sealer(kek: Buffer, name: string, value: string): (version: number) => string {
  return (version) => sealBox(keyOf(kek, name, version), about(name, version), Buffer.from(value)).toString('base64');
}

function openValue(
  kek: Buffer,
  { name, ver, box }: { readonly name: string; readonly ver: number; readonly box: string },
): string {
  try {
    return openBox(keyOf(kek, name, ver), about(name, ver), Buffer.from(box, 'base64')).toString('utf8');
  } catch {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `the secret \`${name}\` does not open: it was changed, or moved here`);
  }
}

function assertValue(value: string): void {
  if (value.length < VALUE_CHARACTERS_MIN)
    throw new Fault('INPUT_INVALID', `the value has fewer than ${VALUE_CHARACTERS_MIN} characters`);
  if (value.length > VALUE_CHARACTERS_MAX)
    throw new Fault('INPUT_INVALID', `the value has more than ${VALUE_CHARACTERS_MAX} characters`);
  // Line breaks stand in private keys; what a header takes is checked where a value goes into one.
  if (!/^[\x20-\x7e\r\n]+$/.test(value))
    throw new Fault('INPUT_INVALID', 'the value has characters other than printable ASCII and line breaks');
}
