import { createHash } from 'node:crypto';
import { Fault } from '#writ/faults';
import {
  inFileOrder,
  type PolicyBundle,
  policyFault,
  type PolicyProblem,
  type UntypedToolArgument,
} from '#writ/policy';
import { buildBundle, type PolicyCheck } from './build-bundle.js';
import { readCachedBundle, readKnownPolicies, writeCachedBundle } from './bundle-cache.js';
import { contentHash, type ReadFiles, readPolicyFiles } from './policy-files.js';
import { cedarPackageVersion } from './run-child.js';

export interface LoadOptions {
  /** Folder of the `*.cedar` files. */
  readonly directory: string;
  /** Folder of the second set, whose permits oblige and permit nothing; none when it is not given. */
  readonly obligationsDirectory?: string;
  /** Cedar schema, as `generateSchema` writes it. */
  readonly schema: string;
  /** What the schema leaves out of the tools' arguments, so that a policy that reads it is told why. */
  readonly untyped?: readonly UntypedToolArgument[];
  /** Folder for bundles made before; without it every load parses. As private as the keys. */
  readonly cacheDirectory?: string;
  /** How long a child process may take. */
  readonly timeoutMs?: number;
  /** Not asked about a bundle from the cache. */
  readonly check?: PolicyCheck;
  /** Told what is suspicious, such as a policy that can never apply; also when there are errors as well. */
  readonly onWarning?: (warning: PolicyProblem) => void;
}

const TIMEOUT_MS = 60_000;
/** Changes with the rules of the loader, so that a bundle that older rules let pass is not taken from the cache. */
const RULES = 'writ-bundle/v5';
const RULES_CHARACTERS = 32;

/**
 * Loads, parses, validates and lints the policies of a folder. Throws one fault that names every problem of every file as
 * `file:line:col: message` (`policyProblemsOf` gives them as data), POLICY_LOADER_FAILED when Cedar itself failed.
 */
export async function loadPolicies(options: LoadOptions): Promise<PolicyBundle> {
  const { schema, cacheDirectory } = options;
  const { files, problems } = await readSets(options);
  const name = { rules: await rulesHash(schema), content: contentHash(files) };
  const isCacheable = cacheDirectory !== undefined && problems.length === 0;
  const cached = isCacheable ? await readCachedBundle(cacheDirectory, name, files) : undefined;
  if (cached !== undefined) {
    for (const warning of cached.warnings) options.onWarning?.(warning);
    return cached.bundle;
  }
  const known = cacheDirectory === undefined ? undefined : await readKnownPolicies(cacheDirectory, name);
  const { timeoutMs = TIMEOUT_MS, untyped = [], check = () => [] } = options;
  const built = await buildBundle(files, { schema, timeoutMs, untyped, known, check });
  const warnings = 'loaded' in built ? built.loaded.warnings : built.warnings;
  for (const warning of inFileOrder(warnings)) options.onWarning?.(warning);
  const errors = [...problems, ...('loaded' in built ? [] : built.errors)];
  if (errors.length > 0 || !('loaded' in built)) throw policyFault(errors);
  if (cacheDirectory !== undefined) {
    await writeCachedBundle(cacheDirectory, name, { loaded: built.loaded, files });
  }
  return built.loaded.bundle;
}

/** The files of both sets. */
async function readSets({ directory, obligationsDirectory }: LoadOptions): Promise<ReadFiles> {
  const policies = await readPolicyFiles(directory, 'policies');
  if (policies.files.length + policies.problems.length === 0) {
    throw new Fault('POLICY_LINT', `the folder \`${directory}\` has no policy file`);
  }
  if (obligationsDirectory === undefined) return policies;
  const obligations = await readPolicyFiles(obligationsDirectory, 'obligations');
  return {
    files: [...policies.files, ...obligations.files],
    problems: [...policies.problems, ...obligations.problems],
  };
}

/** Names everything but the policies that decides what a bundle is. */
async function rulesHash(schema: string): Promise<string> {
  const hash = createHash('sha256').update(`${RULES} ${await cedarPackageVersion()}\n${schema}`);
  return hash.digest('hex').slice(0, RULES_CHARACTERS);
}
