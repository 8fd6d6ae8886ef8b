import type { WritConfig } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import { makePrivateDirectory, readSecretFile, writeFileAtomic } from '#writ/files';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DeploymentPaths } from './paths.js';

const TOKEN_BYTES = 32;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/**
 * Makes a token for each client of the access API that has none. A token is no evidence, so one whose file was removed is made
 * anew: that is how it is rotated.
 */
export async function createAccessTokens(paths: DeploymentPaths, config: WritConfig): Promise<void> {
  for (const client of Object.keys(config.authzen?.clients ?? {})) {
    const file = paths.accessToken(client);
    if (existsSync(file)) continue;
    await makePrivateDirectory(dirname(file));
    await writeFileAtomic(file, `${randomBytes(TOKEN_BYTES).toString('base64url')}\n`);
  }
}

/** The tokens of the clients of the access API, by client. Throws CONFIG_KEY, naming the file. */
export async function readAccessTokens(
  paths: DeploymentPaths,
  clients: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const tokens = new Map<string, string>();
  for (const client of clients) {
    const file = paths.accessToken(client);
    const token = (await readSecretFile(file)).trim();
    if (!TOKEN.test(token)) throw new Fault('CONFIG_KEY', `the key file \`${file}\` is damaged`);
    tokens.set(client, token);
  }
  return tokens;
}
