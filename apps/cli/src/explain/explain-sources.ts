import { readFile } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { type PolicyFolders, readPolicyFolders } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import { entryValues, type ExplainSources, findRunStatus, type Operator } from '#writ/operator';
import { bundleCacheFolder, openCachedBundle } from '#writ/policy-loader';
import { type CommonOptions, configPath } from '../cli.js';
import { currentBundleHash } from '../policy/check-policies.js';

/** What `writ explain` reads besides the ledger: values, the bundle that decided, and the policy files as they are now. */
export async function sourcesOf(operator: Operator, options: CommonOptions): Promise<ExplainSources> {
  const { dataDir } = operator.paths;
  const running = await findRunStatus(operator.paths);
  const config = resolve(options.config ?? running?.config ?? configPath(options));
  const folders = running?.config === config ? running : await foldersOf(config);
  return {
    values: (located) => entryValues(operator, located),
    bundle: (hash) => openCachedBundle(bundleCacheFolder(dataDir), hash),
    policyFile: (file) => readPolicyFile(folders, file),
    bundleNow: await currentBundleHash(config, dataDir).catch((error: unknown) => {
      // A policy file that is bad now is another one than the one that decided; anything else is not known.
      if (error instanceof Fault && error.code.startsWith('POLICY_')) return 'unreadable';
      return undefined;
    }),
  };
}

/** A call can be explained without its policies: where there is no configuration, no text is shown. */
async function foldersOf(config: string): Promise<Partial<PolicyFolders>> {
  try {
    return await readPolicyFolders(config, process.env);
  } catch (error) {
    if (error instanceof Fault) return {};
    throw error;
  }
}

/** The name of the file comes from the ledger: it must not lead out of the folder of its set. */
async function readPolicyFile(
  { policies, obligations }: Partial<PolicyFolders>,
  shownName: string,
): Promise<string | undefined> {
  const set = shownName.split('/', 1)[0] ?? '';
  const directory = set === 'policies' ? policies : set === 'obligations' ? obligations : undefined;
  if (directory === undefined) return undefined;
  const path = resolve(directory, relative(set, shownName));
  if (!path.startsWith(directory + sep)) return undefined;
  return readFile(path, 'utf8').catch(() => undefined);
}
