import { type Catalogue, policyFoldersOf, readRedactionRules } from '#writ/catalogue';
import {
  compilePolicies,
  type Entity,
  generateSchema,
  type PolicyBundle,
  policyEntities,
  policyFault,
  type PolicyModel,
  type PolicyProblem,
  type PolicySet,
  untypedArguments,
} from '#writ/policy';
import { bundleCacheFolder } from './bundle-cache.js';
import { lintEntities } from './lint-entities.js';
import { linesOfPolicies, placeAtAnnotation, policiesByPlace, withSource } from './place-problems.js';
import { checkRedactionPaths, checkRedactionRules } from './redaction-paths.js';
import { loadPolicies } from './load-policies.js';

export interface LoadRulesOptions {
  readonly catalogue: Catalogue;
  readonly agents: PolicyModel['agents'];
  /** The data directory, for the cache of bundles; without it every load parses. */
  readonly dataDir?: string;
  readonly onWarning?: (warning: PolicyProblem) => void;
}

export interface LoadedRules {
  readonly bundle: PolicyBundle;
  readonly policies: PolicySet;
}

/** The policies of a configuration, checked against everything that it declares. Throws POLICY_* that names every problem, and CONFIG_INVALID. */
export async function loadRules({ catalogue, agents, dataDir, onWarning }: LoadRulesOptions): Promise<LoadedRules> {
  const model = policyModel(catalogue, agents);
  const folders = policyFoldersOf(catalogue);
  // A service that redacts reads it again; here its author is told.
  await readRedactionRules(catalogue);
  const check = (policies: PolicySet): readonly PolicyProblem[] => [
    ...checkRedactionPaths(policies, catalogue),
    ...checkRedactionRules(policies, catalogue),
  ];
  const bundle = await loadPolicies({
    directory: folders.policies,
    ...(folders.obligations !== undefined && { obligationsDirectory: folders.obligations }),
    schema: generateSchema(model),
    untyped: untypedArguments(model),
    check,
    ...(dataDir !== undefined && { cacheDirectory: bundleCacheFolder(dataDir) }),
    ...(onWarning !== undefined && { onWarning }),
  });
  const entities = policyEntities(model);
  const policies = compilePolicies(bundle, entities);
  // A bundle from the cache was checked against the arguments of then, and not all of those are in the schema that names it.
  const places = policiesByPlace(bundle.policies);
  const problems = check(policies).map((problem) => placeAtAnnotation(problem, places));
  if (problems.length > 0) throw policyFault(withSource(problems, linesOfPolicies(bundle.policies)));
  if (onWarning !== undefined) lintEntities(bundle.policies, entities).forEach(onWarning);
  return { bundle, policies };
}

/** Every entity of a configuration with those agents. */
export function entitiesOf(catalogue: Catalogue, agents: PolicyModel['agents']): readonly Entity[] {
  return policyEntities(policyModel(catalogue, agents));
}

/** What policies can be about. */
function policyModel(catalogue: Catalogue, agents: PolicyModel['agents']): PolicyModel {
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
