import { Fault } from '#writ/faults';
import {
  bundleHash,
  checkFilterable,
  compilePolicies,
  lineIndex,
  type PolicyBundle,
  policyFault,
  type PolicyFaultCode,
  PolicyJson,
  type PolicyProblem,
  type PolicySetName,
  policyProblemsOf,
  type PolicySource,
  splitPolicies,
} from '#writ/policy';
import { type LoadedBundle, readCachedBundle, writeCachedBundle } from './bundle-cache.js';
import type { ChildAnswer, ChildComplaint } from './child.js';
import { duplicateIds, lintPolicy, type UnnamedPolicy } from './lint.js';
import { contentHash, type PolicyFile, readPolicyFiles } from './policy-files.js';
import { askChild, cedarPackageVersion } from './run-child.js';

export interface LoadOptions {
  /** Folder of the `*.cedar` files. */
  readonly directory: string;
  /** Folder of the second set, whose permits oblige and permit nothing; none when it is not given. */
  readonly obligationsDirectory?: string;
  /** Cedar schema, as `generateSchema` writes it. */
  readonly schema: string;
  /** Folder for bundles made before; without it every load parses. As private as the keys. */
  readonly cacheDirectory?: string;
  /** How long the child process may take. */
  readonly timeoutMs?: number;
  /** Told what Cedar warns of, such as a policy that can never apply. */
  readonly onWarning?: (warning: PolicyProblem) => void;
}

const TIMEOUT_MS = 60_000;
/** Changes with the rules of the loader, so that a bundle that older rules let pass is not taken from the cache. */
const RULES = 'writ-bundle/v2';
const POLICY_CHARACTERS_MAX = 10_240;
/** Cedar's parser ends or poisons its process at about 150; what is deeper is refused before the parser sees it. */
const BRACKET_DEPTH_MAX = 60;
/** Long chains nest in the tree without a bracket: about 120 operators in a row. */
const TREE_DEPTH_MAX = 250;

/**
 * Loads, parses, validates and lints the policies of a folder. Throws one fault that names every problem of every file as
 * `file:line:col: message` (`policyProblemsOf` gives them as data), POLICY_LOADER_FAILED when Cedar itself failed.
 */
export async function loadPolicies(options: LoadOptions): Promise<PolicyBundle> {
  const { obligationsDirectory } = options;
  const files = [
    ...(await readPolicyFiles(options.directory, 'policies')),
    ...(obligationsDirectory === undefined ? [] : await readPolicyFiles(obligationsDirectory, 'obligations')),
  ];
  const name = contentHash(files, `${RULES} ${await cedarPackageVersion()}`, options.schema);
  const { cacheDirectory } = options;
  const cached = cacheDirectory === undefined ? undefined : await readCachedBundle(cacheDirectory, name);
  const loaded = cached ?? (await buildBundle(files, options));
  if (cached === undefined && cacheDirectory !== undefined) await writeCachedBundle(cacheDirectory, name, loaded);
  for (const warning of loaded.warnings) options.onWarning?.(warning);
  return loaded.bundle;
}

async function buildBundle(files: readonly PolicyFile[], options: LoadOptions): Promise<LoadedBundle> {
  if (!files.some(({ set }) => set === 'policies')) {
    throw new Fault('POLICY_LINT', `the folder \`${options.directory}\` has no policy file`);
  }
  const problems: PolicyProblem[] = [];
  const texts = files.flatMap((file) => cutFile(file, problems));
  const byKey = new Map(texts.map((text, i) => [`p${i}`, text]));
  const request = {
    schema: options.schema,
    policies: [...byKey].map(([key, { text }]) => ({ key, text })),
    treeDepthMax: TREE_DEPTH_MAX,
  };
  const answer = await askChild(request, options.timeoutMs ?? TIMEOUT_MS);
  const placed = (complaints: readonly ChildComplaint[], code: PolicyFaultCode): PolicyProblem[] =>
    complaints.map((complaint) => placeComplaint(complaint, code, byKey));
  requireAnswer(answer, byKey);
  problems.push(...placed(answer.unparsed, 'POLICY_PARSE'), ...placed(answer.invalid, 'POLICY_INVALID'));
  problems.push(...placed(answer.tooDeep.map(complainOfDepth), 'POLICY_LINT'));
  const policies = answer.parsed.flatMap(({ key, est }) => namePolicy(est, byKey.get(key)));
  problems.push(...policies.flatMap(lintPolicy), ...duplicateIds(policies));
  const bundle = bundleOf(policies, answer.cedarVersion);
  problems.push(...compileProblems(bundle), ...checkFilterable(bundle));
  if (problems.length > 0) throw policyFault(problems);
  return { bundle, warnings: placed(answer.warnings, 'POLICY_LINT') };
}

interface PlacedText {
  readonly set: PolicySetName;
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly text: string;
}

/** The texts of a file's policies that may be shown to the parser. */
function cutFile({ set, name: file, bytes }: PolicyFile, problems: PolicyProblem[]): readonly PlacedText[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    problems.push({ code: 'POLICY_PARSE', file, line: 1, col: 1, message: 'the file is not well-formed UTF-8' });
    return [];
  }
  const at = lineIndex(text);
  return splitPolicies(text).flatMap((policy): readonly PlacedText[] => {
    const { line, col } = at(policy.start);
    const complain = (code: PolicyFaultCode, message: string): readonly PlacedText[] => {
      problems.push({ code, file, line, col, message });
      return [];
    };
    if (!policy.isTerminated) return complain('POLICY_PARSE', 'the policy has no `;` at its end');
    if (policy.depth > BRACKET_DEPTH_MAX) {
      return complain('POLICY_LINT', `the policy nests deeper than ${BRACKET_DEPTH_MAX} brackets and prefix operators`);
    }
    if (policy.text.length > POLICY_CHARACTERS_MAX) {
      return complain('POLICY_LINT', `the policy is longer than ${POLICY_CHARACTERS_MAX} characters`);
    }
    return [{ set, file, line, col, text: policy.text }];
  });
}

/** Cedar's positions are UTF-8 bytes of the policy; ours are lines and UTF-16 columns of the file. */
function placeComplaint(
  { key, message, help, start }: ChildComplaint,
  code: PolicyFaultCode,
  byKey: ReadonlyMap<string, PlacedText>,
): PolicyProblem {
  const place = byKey.get(key) ?? { file: 'schema', line: 1, col: 1, text: '' };
  const prefix = Buffer.from(place.text)
    .subarray(0, start ?? 0)
    .toString();
  const { line, col } = lineIndex(place.text)(prefix.length);
  return {
    code,
    file: place.file,
    line: place.line + line - 1,
    col: line === 1 ? place.col + col - 1 : col,
    message: message.replace(/^(failed to parse policy from string|for policy `[^`]*`)[:,] /, ''),
    ...(help !== undefined && { help }),
  };
}

function complainOfDepth(key: string): ChildComplaint {
  return { key, message: 'the expression nests too deeply: about 120 operators in a row are the limit' };
}

function requireAnswer(answer: ChildAnswer, byKey: ReadonlyMap<string, PlacedText>): void {
  if (answer.thrownAt !== undefined) {
    const place = byKey.get(answer.thrownAt);
    const where = place === undefined ? 'validation' : `the policy at ${place.file}:${place.line}:${place.col}`;
    throw new Fault('POLICY_LOADER_FAILED', `Cedar failed in ${where}`);
  }
  if (answer.schemaErrors.length > 0) {
    throw new Fault('POLICY_INVALID', `the generated schema is not valid: ${answer.schemaErrors.join('; ')}`);
  }
}

function namePolicy(json: unknown, place: PlacedText | undefined): readonly UnnamedPolicy[] {
  if (place === undefined) return [];
  const est = PolicyJson.parse(json);
  const annotations = Object.entries(est.annotations ?? {}).map(([name, value]) => [name, value ?? ''] as const);
  return [{ ...place, est, annotations: Object.fromEntries(annotations) }];
}

function bundleOf(policies: readonly UnnamedPolicy[], cedarVersion: string): PolicyBundle {
  const named: PolicySource[] = policies.map((policy) => ({ ...policy, id: policy.annotations['id'] ?? '' }));
  return { v: 1, hash: bundleHash(named, cedarVersion), cedarVersion, policies: named };
}

/** What the evaluator would refuse. Entities do not matter for it. */
function compileProblems(bundle: PolicyBundle): readonly PolicyProblem[] {
  try {
    compilePolicies(bundle, []);
    return [];
  } catch (thrown) {
    const problems = policyProblemsOf(thrown);
    if (problems.length === 0) throw thrown;
    return problems;
  }
}
