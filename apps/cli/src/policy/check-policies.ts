import { type Catalogue, loadCatalogue } from '#writ/catalogue';
import { deploymentPaths, listAgents } from '#writ/deployment';
import type { PolicyModel, PolicyProblem } from '#writ/policy';
import { loadRules } from '#writ/policy-loader';
import { existsSync } from 'node:fs';

export interface CheckedPolicies {
  readonly hash: string;
  readonly policies: number;
  readonly files: readonly string[];
}

/**
 * Loads the policies as a decision service would, without a cache. Warnings are told whether they load or not. Throws POLICY_*
 * that names every error, and CONFIG_*.
 */
export async function checkPolicies(
  config: string,
  dataDir: string,
  onWarning: (warning: PolicyProblem) => void,
): Promise<CheckedPolicies> {
  const catalogue = await loadCatalogue(config, process.env);
  const agents = await knownAgents(catalogue, dataDir);
  const { bundle } = await loadRules({ catalogue, agents, onWarning });
  const files = [...new Set(bundle.policies.map(({ file }) => file))];
  return { hash: bundle.hash, policies: bundle.policies.length, files };
}

/** Hash of the policies as their files are now. Takes the bundle that a running decision service has cached, if it is the same. */
export async function currentBundleHash(config: string, dataDir: string): Promise<string> {
  const catalogue = await loadCatalogue(config, process.env);
  return (await loadRules({ catalogue, agents: await knownAgents(catalogue, dataDir), dataDir })).bundle.hash;
}

/** The registry once there is one; before the first start, what it will be made from. */
export async function knownAgents({ config }: Catalogue, dataDir: string): Promise<PolicyModel['agents']> {
  const paths = deploymentPaths(dataDir);
  if (existsSync(paths.agentsFile)) return listAgents(paths);
  return Object.entries(config.agents).map(([name, { teams }]) => ({ name, teams }));
}
