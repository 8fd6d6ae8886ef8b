import type { Json } from '#writ/contracts';
import { compileExpression, type Environment, type Evaluator } from './compile-expression.js';
import { type Clause, type CompiledPolicy, isInScope, placeOf, placeOfClause } from './compile-policy.js';
import type { EntityStore } from './entity-store.js';
import { valueOrError } from './evaluator.js';
import { attributePath, attributesOfHas, isList, isObject, mentionsResource, operand } from './expression.js';
import { textOfExtension } from './extension-functions.js';
import type { PolicySet } from './policy-set.js';
import { CedarSet, EntityRef, ExtensionValue, type Value } from './values.js';

/** A permit that nearly matched: where it stands, what of it failed, and what was read there. */
export interface NearMiss {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly col: number;
  /** The clause or the scope part that failed, as the policy says it. */
  readonly failed: string;
  /** What the failing clause read, by path; null for what is not there. For operators: it never goes into the ledger. */
  readonly values: Readonly<Record<string, Json>>;
}

/** A part of a deciding forbid that held: where it stands and what it read. */
export interface HeldClause {
  readonly id: string;
  readonly line: number;
  readonly col: number;
  /** The clause as the policy says it. */
  readonly clause: string;
  readonly values: Readonly<Record<string, Json>>;
}

const NEAR_MISSES_MAX = 3;
/** A default deny is what an attacker can ask for at will, so the search has an end. */
const PERMITS_VISITED_MAX = 1_000;
const PERMITS_EVALUATED_MAX = 32;
const FAILED_TEXT_MAX = 512;

type ScopePart = 'principal' | 'action' | 'resource';

interface Ranked {
  readonly policy: CompiledPolicy;
  readonly scope: ScopePart | undefined;
  readonly failures: readonly Clause[];
}

/** The permits that came nearest: at most one part of the scope is wrong, and the fewest clauses failed. */
export function findNearMisses(
  set: PolicySet,
  environment: Environment,
  options: { readonly isResourceUnknown?: boolean } = {},
): readonly NearMiss[] {
  const ranked: Ranked[] = [];
  for (const [policy, scope] of permitsNearScope(set, environment)) {
    const failures = failingClauses(policy, environment, options.isResourceUnknown === true);
    if (scope !== undefined || failures.length > 0) ranked.push({ policy, scope, failures });
    if (ranked.length === PERMITS_EVALUATED_MAX) break;
  }
  const score = ({ scope, failures }: Ranked): number => failures.length + (scope === undefined ? 0 : 1.5);
  ranked.sort((a, b) => score(a) - score(b) || a.policy.order - b.policy.order);
  const budget = newBudget();
  return ranked.slice(0, NEAR_MISSES_MAX).map((miss) => describe(miss, { store: set.store, environment, budget }));
}

/** The permits in scope, and then those with one part of the scope wrong. */
function* permitsNearScope(
  set: PolicySet,
  environment: Environment,
): Iterable<readonly [CompiledPolicy, ScopePart | undefined]> {
  const { permits } = set.candidates(environment.principal, environment.action, environment.resource);
  for (const policy of permits) yield [policy, undefined];
  let visited = 0;
  for (const policy of set.policies) {
    if (!policy.isPermit) continue;
    if (++visited > PERMITS_VISITED_MAX) return;
    const wrong = onlyWrongScopePart(policy, environment);
    if (wrong !== undefined) yield [policy, wrong];
  }
}

/** Undefined when no part of the scope is wrong, or more than one. */
function onlyWrongScopePart(policy: CompiledPolicy, environment: Environment): ScopePart | undefined {
  const isPrincipalWrong = !isInScope(policy.principal, environment.principal);
  const isResourceWrong = !isInScope(policy.resource, environment.resource);
  if (isPrincipalWrong && isResourceWrong) return undefined;
  const isActionWrong = !policy.actions.some((action) => isInScope(action, environment.action));
  if (isPrincipalWrong) return isActionWrong ? undefined : 'principal';
  if (isResourceWrong) return isActionWrong ? undefined : 'resource';
  return isActionWrong ? 'action' : undefined;
}

function failingClauses(policy: CompiledPolicy, environment: Environment, isResourceUnknown: boolean): Clause[] {
  return policy.clauses.filter((clause) => {
    if (isResourceUnknown && mentionsResource(clause.node)) return false;
    return valueOrError(clause.evaluate, environment) !== clause.wanted;
  });
}

function describe(
  { policy, scope, failures }: Ranked,
  { store, environment, budget }: { store: EntityStore; environment: Environment; budget: Budget },
): NearMiss {
  const { id, file } = policy.source;
  const [clause] = failures;
  if (scope !== undefined || clause === undefined) {
    const part = policy.parts?.[scope ?? 'principal'];
    const entity = environment[scope ?? 'principal'];
    const failed = (part?.text ?? scope ?? '').slice(0, FAILED_TEXT_MAX);
    return { id, file, ...placeOf(policy.source, part?.start ?? 0), failed, values: { [scope ?? '']: entity.uid } };
  }
  const { line, col, text, readers } = describeClause(policy, clause, store);
  return { id, file, line, col, failed: text, values: readValues(readers, environment, budget) };
}

const HELD_POLICIES_MAX = 3;
const HELD_CLAUSES_MAX = 16;

/** What held in the first of the policies, clause by clause. With the record unknown, only what does not read it. */
export function findHeldClauses(
  policies: readonly CompiledPolicy[],
  store: EntityStore,
  environment: Environment,
  options: { readonly isResourceUnknown?: boolean } = {},
): readonly HeldClause[] {
  const held: HeldClause[] = [];
  const budget = newBudget();
  for (const policy of policies.slice(0, HELD_POLICIES_MAX)) {
    for (const clause of policy.clauses.slice(0, HELD_CLAUSES_MAX)) {
      if (options.isResourceUnknown === true && mentionsResource(clause.node)) continue;
      const { line, col, text, readers } = describeClause(policy, clause, store);
      held.push({ id: policy.source.id, line, col, clause: text, values: readValues(readers, environment, budget) });
    }
  }
  return held;
}

type Reader = readonly [path: string, evaluate: Evaluator];

interface ClauseDescription {
  readonly line: number;
  readonly col: number;
  readonly text: string;
  readonly readers: readonly Reader[];
}

/** Made when a clause is first explained: finding its line and compiling its paths costs more than a decision. */
const descriptions = new WeakMap<Clause, ClauseDescription>();

function describeClause(policy: CompiledPolicy, clause: Clause, store: EntityStore): ClauseDescription {
  const known = descriptions.get(clause);
  if (known !== undefined) return known;
  const at = placeOfClause(policy, clause);
  const made = {
    ...placeOf(policy.source, at.start),
    text: `${clause.wanted ? 'when' : 'unless'} ${at.text ?? '…'}`.slice(0, FAILED_TEXT_MAX),
    readers: [...pathsIn(clause.node)].map(([name, path]): Reader => [name, compileExpression(path, store)]),
  };
  descriptions.set(clause, made);
  return made;
}

/** What every attribute path of the expression is now. */
function readValues(
  readers: readonly Reader[],
  environment: Environment,
  budget: Budget,
): Readonly<Record<string, Json>> {
  const values: Record<string, Json> = {};
  for (const [name, evaluate] of readers) {
    const value = valueOrError(evaluate, environment);
    values[name] = value === undefined ? null : asJson(value, budget);
  }
  return values;
}

function* pathsIn(node: Json): Iterable<readonly [string, Json]> {
  if (isList(node)) for (const element of node) yield* pathsIn(element);
  if (!isObject(node) || 'Value' in node) return;
  if ('has' in node) return yield* pathsOfHas(node['has']);
  const isPath = '.' in node || 'Var' in node;
  const path = isPath ? attributePath(node) : undefined;
  const isPlain = path !== undefined && (path.path.length > 0 || path.variable !== 'context');
  if (path !== undefined && isPlain) yield [[path.variable, ...path.path].join('.'), node];
  else for (const member of Object.values(node)) yield* pathsIn(member);
}

/** For `x has a.b`, what is at `x.a.b`: not the whole of `x`, which may be everything that the agent sent. */
function* pathsOfHas(operands: Json | undefined): Iterable<readonly [string, Json]> {
  if (operands === undefined) return;
  const start = operand(operands, 'left');
  yield* pathsIn(attributesOfHas(operands).reduce<Json>((left, attr) => ({ '.': { left, attr } }), start));
}

/** How much of what was read is still told: an agent chooses the values, and a decision reads some of them many times. */
interface Budget {
  characters: number;
  nodes: number;
}

const STRING_CHARACTERS_MAX = 1_024;
const CUT = '…';
const newBudget = (): Budget => ({ characters: 16_384, nodes: 512 });

/** A value as JSON, as far as the budget goes; what is left out is marked. */
function asJson(value: Value, budget: Budget): Json {
  if (--budget.nodes < 0) return CUT;
  if (typeof value === 'string') return cut(value, budget);
  if (value instanceof EntityRef) return cut(value.uid, budget);
  if (value instanceof ExtensionValue) return textOfExtension(value);
  if (value instanceof CedarSet) return listed(value.elements, budget);
  if (Array.isArray(value)) return listed(value, budget);
  if (typeof value !== 'object' || value === null) return value as Json;
  const members: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value)) {
    if (budget.nodes <= 0) return { ...members, [CUT]: CUT };
    members[cut(key, budget)] = asJson(member, budget);
  }
  return members;
}

function listed(elements: readonly Value[], budget: Budget): Json {
  const told: Json[] = [];
  for (const element of elements) {
    if (budget.nodes <= 0) return [...told, CUT];
    told.push(asJson(element, budget));
  }
  return told;
}

function cut(text: string, budget: Budget): string {
  const most = Math.max(0, Math.min(STRING_CHARACTERS_MAX, budget.characters));
  budget.characters -= Math.min(text.length, most);
  return text.length <= most ? text : text.slice(0, most).toWellFormed() + CUT;
}
