import { setImmediate as breathe } from 'node:timers/promises';
import { Fault } from '#writ/faults';
import {
  bundleHash,
  checkFilterable,
  compilePolicies,
  type PlacedText,
  type PolicyBundle,
  PolicyJson,
  type PolicyProblem,
  policyProblemsOf,
  type PolicySet,
  type PolicySource,
  type UntypedToolArgument,
} from '#writ/policy';
import { digestOfText, type KnownPolicies, type LoadedBundle } from './bundle-cache.js';
import type { ChildAnswer, ChildComplaint } from './child.js';
import { cutFile } from './cut-file.js';
import { lintPolicy, type UnnamedPolicy } from './lint.js';
import { lintPresence } from './lint-presence.js';
import { lintSet } from './lint-set.js';
import { linesOf, placeAtAnnotation, placeComplaint, policiesByPlace, withSource } from './place-problems.js';
import type { PolicyFile } from './policy-files.js';
import { askChild } from './run-child.js';

export interface BuildOptions {
  /** Cedar schema, as `generateSchema` writes it. */
  readonly schema: string;
  readonly timeoutMs: number;
  /** What the schema leaves out, for better messages. */
  readonly untyped: readonly UntypedToolArgument[];
  /** Policies that were accepted under the same rules, schema and version of Cedar: they are not parsed again. */
  readonly known: KnownPolicies | undefined;
  readonly check: PolicyCheck;
}

/** What else is wrong with policies that compile, each at its policy's start. */
export type PolicyCheck = (policies: PolicySet) => readonly PolicyProblem[];

/** A bundle with its warnings, or everything that is wrong. */
export type Built =
  | { readonly loaded: LoadedBundle }
  | { readonly errors: readonly PolicyProblem[]; readonly warnings: readonly PolicyProblem[] };

/** Long chains nest in the tree without a bracket: about 120 operators in a row. */
const TREE_DEPTH_MAX = 250;
/** A policy that makes Cedar throw costs a process: that many are named in one run. */
const THROWS_MAX = 8;

/** Parses, validates and lints files. Between the steps other work of the process gets its turn. */
export async function buildBundle(files: readonly PolicyFile[], options: BuildOptions): Promise<Built> {
  const cut = files.map(cutFile);
  const texts = cut.flatMap(({ policies }) => policies);
  const problems = cut.flatMap((file) => file.problems);
  await breathe();
  const parsed = await parseAll(texts, options);
  problems.push(...parsed.problems);
  await breathe();
  problems.push(...parsed.policies.flatMap(lintPolicy), ...lintSet(parsed.policies));
  await breathe();
  const bundle = bundleOf(parsed.policies, parsed.cedarVersion);
  const places = policiesByPlace(bundle.policies);
  problems.push(...compileProblems(bundle, options.check).map((problem) => placeAtAnnotation(problem, places)));
  await breathe();
  problems.push(...checkFilterable(bundle), ...withoutPolicy(files, texts));
  const textOf = new Map(cut.flatMap(({ text }, at) => (text === undefined ? [] : [[files[at]?.name ?? '', text]])));
  const told = withSource(problems, linesOf(textOf));
  const errors = told.filter(({ severity }) => severity !== 'warning');
  const warnings = told.filter(({ severity }) => severity === 'warning');
  if (errors.length > 0) return { errors, warnings };
  return { loaded: { bundle, warnings, cedarWarnings: parsed.cedarWarnings } };
}

/** Files that hold nothing deny everything. That may be meant, so it is a warning. */
function withoutPolicy([first]: readonly PolicyFile[], texts: readonly PlacedText[]): readonly PolicyProblem[] {
  if (first === undefined || texts.length > 0) return [];
  const message = 'the files hold no policy, so every request is denied';
  return [{ code: 'POLICY_LINT', rule: 'no-policy', severity: 'warning', file: first.name, line: 1, col: 1, message }];
}

interface Parsed {
  readonly policies: readonly UnnamedPolicy[];
  readonly problems: readonly PolicyProblem[];
  readonly cedarVersion: string;
  /** What Cedar warned of, by the digest of the policy's text. */
  readonly cedarWarnings: Readonly<Record<string, readonly ChildComplaint[]>>;
}

/** Cedar's reading of every policy: what is known of the same text, from the child elsewhere. */
async function parseAll(texts: readonly PlacedText[], options: BuildOptions): Promise<Parsed> {
  const { schema, timeoutMs, untyped, known } = options;
  const digests = texts.map(({ text }) => digestOfText(text));
  const isFresh = (at: number): boolean => known?.policies.has(digests[at] ?? '') !== true;
  const fresh = new Map(texts.flatMap((text, at) => (isFresh(at) ? [[`p${at}`, text] as const] : [])));
  const isAllKnown = known !== undefined && fresh.size === 0;
  const { answer, thrown } = isAllKnown ? NOTHING_ASKED : await askAbout(fresh, schema, timeoutMs);
  const ests = new Map(answer?.parsed.map(({ key, est }) => [key, est]));
  const problems = answer === undefined ? [] : problemsOf(answer, { fresh, thrown, untyped });
  const warnedNow = warningsByKey(answer);
  const cedarWarnings: Record<string, readonly ChildComplaint[]> = {};
  const policies: UnnamedPolicy[] = [];
  for (const [at, placed] of texts.entries()) {
    const [key, digest] = [`p${at}`, digests[at] ?? ''];
    const before = known?.policies.get(digest);
    const warned = (before === undefined ? warnedNow.get(key) : known?.cedarWarnings[digest]) ?? [];
    if (warned.length > 0) cedarWarnings[digest] = warned;
    problems.push(...warned.map((complaint) => placeComplaint(complaint, WARNING, placed, untyped)));
    if (before !== undefined) policies.push({ ...placed, est: before.est, annotations: before.annotations });
    if (before !== undefined || !ests.has(key)) continue;
    const policy = readPolicy(ests.get(key), placed);
    policies.push(policy);
    problems.push(...lintPresence(policy, answer?.contexts ?? {}, untyped));
  }
  return { policies, problems, cedarVersion: answer?.cedarVersion ?? known?.cedarVersion ?? '', cedarWarnings };
}

const WARNING = { code: 'POLICY_INVALID', rule: 'warning', severity: 'warning' } as const;

interface Asked {
  /** Undefined when there was nothing to ask. */
  readonly answer: ChildAnswer | undefined;
  /** The policies that made Cedar throw: each ended a child, and the next one was not asked about it. */
  readonly thrown: readonly string[];
}

async function askAbout(fresh: ReadonlyMap<string, PlacedText>, schema: string, timeoutMs: number): Promise<Asked> {
  const thrown: string[] = [];
  while (thrown.length <= THROWS_MAX) {
    const policies = [...fresh].filter(([key]) => !thrown.includes(key)).map(([key, { text }]) => ({ key, text }));
    const answer = await askChild({ schema, policies, treeDepthMax: TREE_DEPTH_MAX }, timeoutMs);
    if (answer.schemaErrors.length > 0) {
      throw new Fault('POLICY_INVALID', `the generated schema is not valid: ${answer.schemaErrors.join('; ')}`);
    }
    if (answer.thrownAt === undefined) return { answer, thrown };
    if (answer.thrownAt === '') throw new Fault('POLICY_LOADER_FAILED', 'Cedar failed in validation');
    thrown.push(answer.thrownAt);
  }
  const places = thrown.map((key) => fresh.get(key)).map((at) => `${at?.file}:${at?.line}:${at?.col}`);
  throw new Fault('POLICY_LOADER_FAILED', `Cedar failed in the policies at ${places.join(', ')}`);
}

const NOTHING_ASKED: Asked = { answer: undefined, thrown: [] };

interface Reading {
  readonly fresh: ReadonlyMap<string, PlacedText>;
  readonly thrown: readonly string[];
  readonly untyped: readonly UntypedToolArgument[];
}

function problemsOf(answer: ChildAnswer, { fresh, thrown, untyped }: Reading): PolicyProblem[] {
  const placed = (
    complaints: readonly ChildComplaint[],
    code: 'POLICY_PARSE' | 'POLICY_INVALID' | 'POLICY_LINT',
    rule: string,
  ) =>
    complaints.flatMap((complaint) => {
      const policy = fresh.get(complaint.key);
      return policy === undefined ? [] : [placeComplaint(complaint, { code, rule }, policy, untyped)];
    });
  return [
    ...placed(answer.unparsed, 'POLICY_PARSE', 'syntax'),
    ...placed(answer.invalid, 'POLICY_INVALID', 'type'),
    ...placed([...answer.tooDeep, ...thrown].map(complainOfDepth), 'POLICY_LINT', 'nesting'),
  ];
}

function complainOfDepth(key: string): ChildComplaint {
  const message = 'the expression nests too deeply: about 120 operators in a row are the limit';
  return { key, message, help: 'split the policy in two, or test a set with `contains`' };
}

/** Of a policy that does not validate only that is told, and of one that can never apply only that. */
function warningsByKey(answer: ChildAnswer | undefined): ReadonlyMap<string, readonly ChildComplaint[]> {
  const invalid = new Set(answer?.invalid.map(({ key }) => key));
  const impossible = new Set(answer?.warnings.flatMap(({ key, message }) => (IMPOSSIBLE.test(message) ? [key] : [])));
  const byKey = new Map<string, ChildComplaint[]>();
  for (const complaint of answer?.warnings ?? []) {
    const { key, message } = complaint;
    if (invalid.has(key) || (NOT_APPLICABLE.test(message) && impossible.has(key))) continue;
    byKey.set(key, [...(byKey.get(key) ?? []), complaint]);
  }
  return byKey;
}

const IMPOSSIBLE = /policy is impossible/;
const NOT_APPLICABLE = /unable to find an applicable action/;

function readPolicy(json: unknown, placed: PlacedText): UnnamedPolicy {
  const { annotations: written = {}, ...est } = PolicyJson.parse(json);
  const annotations = Object.entries(written).map(([name, value]) => [name, value ?? ''] as const);
  return { ...placed, est, annotations: Object.fromEntries(annotations) };
}

function bundleOf(policies: readonly UnnamedPolicy[], cedarVersion: string): PolicyBundle {
  const named: PolicySource[] = policies.map((policy) => ({ ...policy, id: policy.annotations['id'] ?? '' }));
  return { v: 1, hash: bundleHash(named, cedarVersion), cedarVersion, policies: named };
}

/** What the evaluator would refuse, or else what the check does. Entities do not matter for it. */
function compileProblems(bundle: PolicyBundle, check: PolicyCheck): readonly PolicyProblem[] {
  try {
    return check(compilePolicies(bundle, []));
  } catch (thrown) {
    const problems = policyProblemsOf(thrown);
    if (problems.length === 0) throw thrown;
    return problems;
  }
}
