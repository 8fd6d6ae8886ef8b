import { type Catalogue, loadCatalogue } from '#writ/catalogue';
import { deploymentPaths, listAgents } from '#writ/deployment';
import {
  compilePolicies,
  generateSchema,
  type PolicyBundle,
  policyEntities,
  type PolicyModel,
  type PolicyProblem,
} from '#writ/policy';
import { loadPolicies } from '#writ/policy-loader';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface CheckedPolicies {
  readonly hash: string;
  readonly policies: number;
  readonly files: readonly string[];
  readonly warnings: readonly PolicyProblem[];
}

/** Loads the policies as a decision service would. Throws POLICY_* that names every problem, and CONFIG_*. */
export async function checkPolicies(config: string, dataDir: string): Promise<CheckedPolicies> {
  const warnings: PolicyProblem[] = [];
  const bundle = await load(config, dataDir, { onWarning: (warning) => warnings.push(warning) });
  const files = [...new Set(bundle.policies.map(({ file }) => file))];
  return { hash: bundle.hash, policies: bundle.policies.length, files, warnings };
}

/** Hash of the policies as their files are now. Takes the bundle that a running decision service has cached, if it is the same. */
export async function currentBundleHash(config: string, dataDir: string): Promise<string> {
  const cacheDirectory = join(dataDir, 'cache', 'policies');
  return (await load(config, dataDir, { cacheDirectory })).hash;
}

interface LoadDetails {
  readonly cacheDirectory?: string;
  readonly onWarning?: (warning: PolicyProblem) => void;
}

async function load(config: string, dataDir: string, details: LoadDetails): Promise<PolicyBundle> {
  const catalogue = await loadCatalogue(config, process.env);
  const model = modelOf(catalogue, await knownAgents(catalogue, dataDir));
  const directory = resolve(catalogue.baseDirectory, catalogue.config.policies);
  const bundle = await loadPolicies({ directory, schema: generateSchema(model), ...details });
  compilePolicies(bundle, policyEntities(model));
  return bundle;
}

/** The registry once there is one; before the first start, what it will be made from. */
async function knownAgents({ config }: Catalogue, dataDir: string): Promise<PolicyModel['agents']> {
  const paths = deploymentPaths(dataDir);
  if (existsSync(paths.agentsFile)) return listAgents(paths);
  return Object.entries(config.agents).map(([name, { teams }]) => ({ name, teams }));
}

function modelOf(catalogue: Catalogue, agents: PolicyModel['agents']): PolicyModel {
  return {
    agents,
    tools: [...catalogue.tools.values()].map(({ name, declaration }) => ({
      name,
      kind: declaration.kind,
      idempotent: declaration.idempotent,
      input: declaration.input,
    })),
    namespaces: [...catalogue.namespaces.keys()],
    destinations: [...catalogue.destinations.values()].map(({ declaration }) => declaration),
  };
}
