import { Fault } from '#writ/faults';
import { acquireLock, type Lock, makePrivateDirectory, readSecretFile } from '#writ/files';
import { type NoteKey, parseSigningKey, parseVkey, type SigningKey, witnessKeyOf } from '#writ/signing';
import { addKnownLog, readKnownLogs, witnessPaths, type WitnessPaths } from './directory.js';
import { createLogState, LogState } from './log-state.js';
import { WitnessedLog } from './witnessed-log.js';

export interface WitnessOptions {
  /** The state directory, made by `initWitness`. */
  readonly state: string;
  /** Key file; `witness.key` in the state directory when it is not named. */
  readonly keyFile: string | undefined;
  /** The vkeys of the logs to watch. Two with one name are two keys of one log. */
  readonly logs: readonly string[];
}

/** A witness with its memory: who it is, and the logs that it watches, by origin. */
export interface Witness {
  readonly key: SigningKey;
  readonly logs: ReadonlyMap<string, WitnessedLog>;
  /** Logs that it had never seen before this start: they were begun from nothing. */
  readonly begun: readonly string[];
  /** Frees the state directory for another process. */
  close(): Promise<void>;
}

/**
 * Opens the state of a witness for this process alone. Throws CONFIG_KEY, CONFIG_DATA_DIR, CONFIG_DATA_DIR_LOCKED, and
 * CONFIG_DATA_DIR_CORRUPT when the state of a log is missing, damaged or older than its journal: it is never begun again.
 */
export async function openWitness(options: WitnessOptions): Promise<Witness> {
  const paths = witnessPaths(options.state);
  const logKeys = logKeysOf(options.logs);
  const key = await readKey(options.keyFile ?? paths.key);
  await readKnownLogs(paths, key);
  const lock = await acquireLock(paths.lock);
  try {
    return await openLogs(paths, { key, logKeys, lock });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLogs(
  paths: WitnessPaths,
  { key, logKeys, lock }: { key: SigningKey; logKeys: ReadonlyMap<string, readonly NoteKey[]>; lock: Lock },
): Promise<Witness> {
  const known = await readKnownLogs(paths, key);
  const logs = new Map<string, WitnessedLog>();
  for (const [origin, keys] of logKeys) {
    const directory = paths.log(origin);
    if (!known.includes(origin)) {
      await makePrivateDirectory(`${paths.directory}/logs`);
      await createLogState(directory, origin);
      // If the process dies here the log has an empty journal and is not known: it is begun again.
      await addKnownLog(paths, key, origin);
    }
    const state = await LogState.open(directory, origin, witnessKeyOf(key));
    logs.set(origin, new WitnessedLog(origin, keys, state, key));
  }
  const begun = [...logKeys.keys()].filter((origin) => !known.includes(origin));
  return { key, logs, begun, close: () => lock.release() };
}

/** The keys by the name of their log, which is its origin. */
function logKeysOf(vkeys: readonly string[]): ReadonlyMap<string, readonly NoteKey[]> {
  if (vkeys.length === 0) throw new Fault('CONFIG_INVALID', 'a witness without a log has nothing to watch');
  const keys = new Map<string, readonly NoteKey[]>();
  for (const key of vkeys.map(parseVkey)) {
    const others = keys.get(key.name) ?? [];
    if (others.some((other) => other.key.id === key.key.id))
      throw new Fault('CONFIG_INVALID', `a key of the log \`${key.name}\` is named twice`);
    keys.set(key.name, [...others, key]);
  }
  return keys;
}

async function readKey(file: string): Promise<SigningKey> {
  const text = await readSecretFile(file);
  try {
    return parseSigningKey(text);
  } catch (cause) {
    throw new Fault('CONFIG_KEY', `the key file \`${file}\` is damaged`, { cause });
  }
}
