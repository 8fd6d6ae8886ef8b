import { resolve } from 'node:path';
import type { SecretPlace } from './secret-store.js';

/** What `writ.yaml` says of the store; paths are relative to it. */
interface DeclaredPlace {
  readonly file?: string | undefined;
  readonly identity?: string | undefined;
}

/**
 * Where the store of a deployment lies: where the configuration says, else `secrets.json` in the data directory, and its identity in
 * `keys/secrets.age` there. Absolute paths.
 */
export function secretPlace(
  { file, identity }: DeclaredPlace,
  where: { readonly baseDirectory: string; readonly dataDir: string },
): SecretPlace {
  return {
    file: file === undefined ? resolve(where.dataDir, 'secrets.json') : resolve(where.baseDirectory, file),
    identity:
      identity === undefined ? resolve(where.dataDir, 'keys', 'secrets.age') : resolve(where.baseDirectory, identity),
  };
}
