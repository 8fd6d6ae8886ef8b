import { type Rules, rulesOf } from '#writ/authorisation';
import { loadCatalogue, policyFoldersOf } from '#writ/catalogue';
import type { PolicyBundle } from '#writ/policy';
import { loadRules } from '#writ/policy-loader';
import { resolve } from 'node:path';
import { type CommonOptions, configPath, dataDirectory } from '../cli.js';
import { knownAgents } from './check-policies.js';

export interface TestRules {
  readonly rules: Rules;
  readonly bundle: PolicyBundle;
  /** Folder of the policies, absolute. */
  readonly directory: string;
}

/** Other folders than those of the configuration. */
export interface OtherFolders {
  readonly policies?: string | undefined;
  /** Of the second set. An empty folder is a second set without policies. */
  readonly obligations?: string | undefined;
}

/** The rules that a decision service would decide by, with the policies of other folders where some are given. Throws CONFIG_*, POLICY_*. */
export async function openTestRules(options: CommonOptions, other: OtherFolders = {}): Promise<TestRules> {
  const declared = await loadCatalogue(configPath(options), process.env);
  const directory = other.policies === undefined ? policyFoldersOf(declared).policies : resolve(other.policies);
  const config = {
    ...declared.config,
    policies: directory,
    ...(other.obligations === undefined ? {} : { obligations: resolve(other.obligations) }),
  };
  const catalogue = { ...declared, config };
  const agents = await knownAgents(catalogue, dataDirectory(options));
  const { bundle, policies: compiled } = await loadRules({ catalogue, agents });
  return { rules: rulesOf(catalogue, compiled, agents), bundle, directory };
}
