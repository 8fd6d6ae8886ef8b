import { loadCatalogue } from '#writ/catalogue';
import { deploymentPaths } from '#writ/deployment';
import { findRunStatus, openOperator, recordSecrets } from '#writ/operator';
import { type ListedSecret, secretPlace, SecretStore } from '#writ/secrets';
import type { Cli } from '../cli.js';
import { readValue, type ValueInput } from './read-value.js';

/** What is to be done to the store. */
export type SecretCommand =
  | { readonly kind: 'set' | 'remove' | 'drop-previous'; readonly name: string }
  | { readonly kind: 'rotate'; readonly name: string; readonly keepHours: number };

/** What was done. `recorded`: it is in the ledger; otherwise the next `writ up` records it. */
export interface SecretOutcome {
  readonly name: string;
  readonly done: 'set' | 'rotated' | 'removed' | 'without earlier values';
  /** The version in force; none of one that was removed. */
  readonly version?: number;
  readonly recorded: boolean;
}

/** The configuration and the data directory of a deployment, absolute. Without a configuration the store is where it is by default. */
interface Where {
  readonly config?: string | undefined;
  readonly dataDir: string;
}

const HOUR_MS = 3_600_000;

/**
 * Changes the store: executors use it from their next request on, and a running Writ has it on record when this resolves. A value is read
 * from the input. Throws INPUT_BAD_NAME, INPUT_INVALID, CONFIG_*, LEDGER_*.
 */
export async function runSecret(
  command: SecretCommand,
  where: Where,
  cli: Cli,
  input: ValueInput = process.stdin,
): Promise<SecretOutcome> {
  const store = await storeAt(where);
  const { name } = command;
  const done = await carryOut(store, command, () => readValue(input, (prompt) => cli.note(prompt)));
  const version = (await store.list(new Date())).find((each) => each.name === name)?.version;
  const recorded = await record(store, where.dataDir);
  return { name, done, ...(version !== undefined && { version }), recorded };
}

/** What came of a new key of the store. `key`: public key of the age identity that opens it now. */
export interface RekeyOutcome {
  readonly secrets: number;
  readonly key: string;
  readonly recorded: boolean;
}

/** Gives the store another key; the old identity is destroyed, or kept in that new file. Throws CONFIG_*, LEDGER_*. */
export async function rekeySecrets(where: Where, keepOldIn: string | undefined): Promise<RekeyOutcome> {
  const store = await storeAt(where);
  const { count, recipient } = await store.rekey(new Date(), keepOldIn);
  return { secrets: count, key: recipient, recorded: await record(store, where.dataDir) };
}

/** What is in the store. Throws CONFIG_*. */
export async function listSecrets(where: Where): Promise<readonly ListedSecret[]> {
  return (await storeAt(where)).list(new Date());
}

async function carryOut(
  store: SecretStore,
  command: SecretCommand,
  value: () => Promise<string>,
): Promise<SecretOutcome['done']> {
  const { name } = command;
  switch (command.kind) {
    case 'set':
      await store.set(name, await value(), new Date());
      return 'set';
    case 'rotate': {
      const given = await value();
      const now = new Date();
      await store.rotate(name, given, { now, keepUntil: new Date(now.getTime() + command.keepHours * HOUR_MS) });
      return 'rotated';
    }
    case 'drop-previous':
      await store.dropPrevious(name, new Date());
      return 'without earlier values';
    case 'remove':
      await store.remove(name, new Date());
      return 'removed';
  }
}

async function storeAt({ config, dataDir }: Where): Promise<SecretStore> {
  if (config === undefined) return new SecretStore(secretPlace({}, { baseDirectory: dataDir, dataDir }));
  const catalogue = await loadCatalogue(config, process.env);
  return new SecretStore(secretPlace(catalogue.config.secrets, { baseDirectory: catalogue.baseDirectory, dataDir }));
}

async function record(store: SecretStore, dataDir: string): Promise<boolean> {
  const running = await findRunStatus(deploymentPaths(dataDir));
  if (running === undefined) return false;
  const operator = await openOperator({ dataDir, url: running.url });
  await recordSecrets(operator, store).finally(() => operator.close());
  return true;
}
