import { policyFoldersOf } from '#writ/catalogue';
import { deploymentPaths, listAgents } from '#writ/deployment';
import { Fault } from '#writ/faults';
import type { PolicySource } from '#writ/policy';
import {
  bundleCacheFolder,
  entitiesOf,
  loadRules,
  MANIFEST_FILE,
  openCachedBundle,
  readRegularFile,
} from '#writ/policy-loader';
import type { ServiceContext } from '#writ/service-host';
import { type Authority, parseManifest, type SignedManifest, verifyManifest } from '#writ/signing';
import { join } from 'node:path';
import { policyFingerprint } from './policy-fingerprint.js';
import type { RulesKeeperOptions } from './rules-keeper.js';

const MANIFEST_BYTES_MAX = 65_536;

/** What the rules are made with. */
export type RulesContext = Pick<ServiceContext, 'catalogue' | 'settings' | 'log' | 'key' | 'authority'>;

/** What rules are read from. */
export interface RuleFiles extends Pick<RulesKeeperOptions, 'load' | 'agents' | 'entities' | 'manifestOf'> {
  /** A text that is another one when any of the files is. */
  readonly look: () => Promise<string>;
  /** The policies of a bundle that was loaded before, when it is kept and has that hash still. Never rejects. */
  readonly cachedPolicies: (hash: string) => Promise<readonly PolicySource[] | undefined>;
}

/** The policies, the manifest beside them, the registry of agents, and the bundles that were made before. */
export function ruleFiles({ catalogue, settings, authority }: RulesContext): RuleFiles {
  const paths = deploymentPaths(settings.WRIT_DATA);
  const folders = policyFoldersOf(catalogue);
  const manifestFile = join(folders.policies, MANIFEST_FILE);
  const isPublished = catalogue.config.policyActivation === 'manifest';
  return {
    load: async (agents) => (await loadRules({ catalogue, agents, dataDir: paths.dataDir })).policies,
    agents: () => listAgents(paths),
    entities: (agents) => entitiesOf(catalogue, agents),
    manifestOf: async ({ hash }) => (isPublished ? readManifest(manifestFile, hash, authority()) : undefined),
    look: () => policyFingerprint(folders, [paths.agentsFile, manifestFile]),
    cachedPolicies: async (hash) => {
      // What is damaged is as good as not there: the difference is told for people, and nothing is decided by it.
      const bundle = await openCachedBundle(bundleCacheFolder(paths.dataDir), hash).catch(() => undefined);
      return bundle?.policies;
    },
  };
}

/** Throws POLICY_UNSIGNED unless an operator's manifest says that these very policies are to be in force. */
async function readManifest(file: string, hash: string, authority: Authority): Promise<SignedManifest> {
  const read = await readRegularFile(file, MANIFEST_BYTES_MAX).catch((cause: unknown) => {
    throw new Fault('POLICY_UNSIGNED', 'nobody has published the policies: `writ policy publish`', { cause });
  });
  if (typeof read === 'string') throw new Fault('POLICY_UNSIGNED', `\`${MANIFEST_FILE}\` is no manifest: ${read}`);
  const manifest = parseManifest(new TextDecoder().decode(read));
  verifyManifest(manifest, authority, ['operator']);
  // A manifest has no place in the log: whether a key that was revoked signed it before that cannot be known here.
  if (authority.keyOf(manifest.key)?.until !== undefined) {
    const message = 'the operator key that published the policies was revoked since: `writ policy publish` again';
    throw new Fault('POLICY_UNSIGNED', message);
  }
  if (manifest.hash === hash) return manifest;
  throw new Fault(
    'POLICY_UNSIGNED',
    `the policies are ${hash}; version ${manifest.version} publishes ${manifest.hash}`,
  );
}
