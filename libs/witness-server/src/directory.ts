import { parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { makePrivateDirectory, readFileIfPresent, syncDirectory, writeFileAtomic } from '#writ/files';
import { formatVkey, generateSigningKey, type SigningKey, witnessKeyOf } from '#writ/signing';
import { logId } from '#writ/witness';
import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';

/** What a witness remembers of itself: whose state this is, and which logs it has state of. */
const WitnessFile = z.strictObject({
  v: z.literal(1),
  vkey: z.string().min(1).max(512),
  /** Origins. A log that stands here has a directory: one that is missing was lost, and is not begun again from nothing. */
  logs: z.array(z.string().min(1).max(1024)),
});
type WitnessFile = Readonly<z.infer<typeof WitnessFile>>;

export interface WitnessPaths {
  readonly directory: string;
  readonly witnessFile: string;
  readonly key: string;
  readonly lock: string;
  /** The directory of one log. */
  readonly log: (origin: string) => string;
}

/** The paths in the state directory of a witness. */
export function witnessPaths(directory: string): WitnessPaths {
  const root = resolve(directory);
  return {
    directory: root,
    witnessFile: join(root, 'witness.json'),
    key: join(root, 'witness.key'),
    lock: join(root, 'lock'),
    log: (origin) => join(root, 'logs', logId(origin)),
  };
}

/**
 * Makes a new witness in an empty or new directory: its key and an empty state. Returns its vkey. Throws CONFIG_DATA_DIR when
 * there is something already, and CONFIG_KEY for a name that cannot be one.
 */
export async function initWitness(directory: string, name: string): Promise<{ vkey: string; keyFile: string }> {
  const paths = witnessPaths(directory);
  const key = generateSigningKey(name);
  await makePrivateDirectory(paths.directory);
  if ((await readdir(paths.directory)).length > 0)
    throw new Fault('CONFIG_DATA_DIR', `\`${directory}\` is not empty; a new witness takes an empty directory`);
  await writeFileAtomic(paths.key, key.toFileText());
  const vkey = formatVkey(witnessKeyOf(key));
  // If the process dies before this line there is a key that nobody knows, and no witness: the directory is made again.
  await writeWitnessFile(paths, { v: 1, vkey, logs: [] });
  await syncDirectory(dirname(paths.directory));
  return { vkey, keyFile: paths.key };
}

/**
 * The origins that the witness has state of. Throws CONFIG_DATA_DIR when there is no witness, CONFIG_DATA_DIR_CORRUPT when its
 * file is damaged, and CONFIG_KEY when the state is that of another key: two keys must not share one memory.
 */
export async function readKnownLogs(paths: WitnessPaths, key: SigningKey): Promise<readonly string[]> {
  const text = await readFileIfPresent(paths.witnessFile);
  if (text === undefined)
    throw new Fault(
      'CONFIG_DATA_DIR',
      `there is no witness in \`${paths.directory}\`: make one with \`writ witness init\``,
    );
  const { vkey, logs } = parseWitnessFile(text, paths.witnessFile);
  if (vkey !== formatVkey(witnessKeyOf(key)))
    throw new Fault('CONFIG_KEY', `the state in \`${paths.directory}\` is that of another key, \`${vkey}\``);
  return logs;
}

/** Writes down that the witness has state of a log. Do it after the log's directory is there. */
export async function addKnownLog(paths: WitnessPaths, key: SigningKey, origin: string): Promise<void> {
  const logs = await readKnownLogs(paths, key);
  await writeWitnessFile(paths, { v: 1, vkey: formatVkey(witnessKeyOf(key)), logs: [...logs, origin] });
}

function writeWitnessFile(paths: WitnessPaths, content: WitnessFile): Promise<void> {
  return writeFileAtomic(paths.witnessFile, `${JSON.stringify(content)}\n`);
}

function parseWitnessFile(text: string, file: string): WitnessFile {
  try {
    return parse(WitnessFile, JSON.parse(text), 'CONFIG_DATA_DIR_CORRUPT');
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${file}\` is damaged`, { cause });
  }
}
