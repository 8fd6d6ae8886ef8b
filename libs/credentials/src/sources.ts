import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { LocalSource } from '#writ/catalogue';
import type { SecretStore, SecretValues } from '#writ/secrets';

/** A shorter value could not be told from ordinary text in an answer. */
const VALUE_CHARACTERS_MIN = 8;
const VALUE_CHARACTERS_MAX = 8_192;

/** Where values come from on this machine. */
export interface CredentialSources {
  readonly env: (name: string) => string | undefined;
  readonly readFile: (path: string) => Promise<string>;
  /** The encrypted store; absent where there is none. */
  readonly secret?: (name: string) => Promise<SecretValues | undefined>;
}

/** The environment and the disk of this process, and the store; a relative file is one beside the configuration. */
export function processSources(baseDirectory = '.', store?: SecretStore): CredentialSources {
  return {
    env: (name) => process.env[name],
    readFile: (path) => readFile(resolve(baseDirectory, path), 'utf8'),
    ...(store !== undefined && { secret: (name) => store.values(name, new Date()) }),
  };
}

/** A value that cannot be used, in words that say nothing of it. */
export interface Unusable {
  readonly problem: string;
}

/**
 * Reads a value anew, without the line break at its end. What is wrong with it is said without anything of it: whatever failed while
 * reading a secret may quote it, so no cause is kept.
 */
export async function readLocal(from: LocalSource, sources: CredentialSources): Promise<SecretValues | Unusable> {
  const found = await find(from, sources).catch(() => undefined);
  if (found === undefined) return { problem: absent(from) };
  return usable(found);
}

/** The values without the line break at the end, or what is wrong with the one in force. */
export function usable(found: SecretValues): SecretValues | Unusable {
  const current = found.current.replace(/[\r\n]{1,2}$/, '');
  if (current.length < VALUE_CHARACTERS_MIN) return { problem: `has fewer than ${VALUE_CHARACTERS_MIN} characters` };
  if (current.length > VALUE_CHARACTERS_MAX) return { problem: `has more than ${VALUE_CHARACTERS_MAX} characters` };
  return { current, previous: found.previous };
}

async function find(from: LocalSource, sources: CredentialSources): Promise<SecretValues | undefined> {
  if ('secret' in from) return sources.secret?.(from.secret);
  const value = 'env' in from ? sources.env(from.env) : await sources.readFile(from.file);
  return value === undefined ? undefined : { current: value, previous: [] };
}

function absent(from: LocalSource): string {
  if ('secret' in from) return `has no value: the store has no secret \`${from.secret}\` that opens`;
  return 'env' in from ? 'has no value' : 'cannot be read from its file';
}
