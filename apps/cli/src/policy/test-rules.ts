import { type Rules, rulesOf } from '#writ/authorisation';
import { loadCatalogue } from '#writ/catalogue';
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

/** The rules that a decision service would decide by, with the policies of another folder when one is given. Throws CONFIG_*, POLICY_*. */
export async function openTestRules(options: CommonOptions, policies?: string): Promise<TestRules> {
  const declared = await loadCatalogue(configPath(options), process.env);
  const directory = resolve(
    ...(policies === undefined ? [declared.baseDirectory, declared.config.policies] : [policies]),
  );
  const catalogue = { ...declared, config: { ...declared.config, policies: directory } };
  const agents = await knownAgents(catalogue, dataDirectory(options));
  const { bundle, policies: compiled } = await loadRules({ catalogue, agents });
  return { rules: rulesOf(catalogue, compiled, agents), bundle, directory };
}
