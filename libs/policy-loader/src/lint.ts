import type { Json } from '#writ/contracts';
import { annotationSpan, headSpan, LOG_ONLY, placeOfSpan, type PolicyProblem, type PolicySource } from '#writ/policy';
import { nearest } from './suggest.js';

/** Annotations that mean something here. Any other is refused: a misspelt obligation must not be ignored. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  'id',
  'description',
  'obligations',
  'reason_agent',
  'remedy',
  'mode',
]);
const ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
const REASON_CHARACTERS_MAX = 256;
/** `principal.name` is one read of an entity; what that leads to is not read further. */
const ENTITY_READS_MAX = 1;

/** A policy that Cedar parsed, before its id is known to be there and to be its own. */
export type UnnamedPolicy = Omit<PolicySource, 'id'>;

/** What is told of a policy, and of which of its annotations, or of the policy as a whole. */
interface Complaint {
  readonly rule: string;
  readonly message: string;
  readonly help?: string;
  readonly annotation?: string;
  readonly severity?: 'warning';
}

/** A broken rule of Writ at the annotation it is about, else at the head of the policy. */
export function lintProblem(policy: UnnamedPolicy, { annotation, ...complaint }: Complaint): PolicyProblem {
  const named = annotation === undefined ? undefined : annotationSpan(policy.text, annotation);
  return { code: 'POLICY_LINT', ...placeOfSpan(policy, named ?? headSpan(policy.text)), ...complaint };
}

/** Writ's own rules for one policy, beyond those of Cedar. */
export function lintPolicy(policy: UnnamedPolicy): readonly PolicyProblem[] {
  const rules = policy.set === 'obligations' ? lintObligation : lintReach;
  return [...lintId(policy), ...lintAnnotations(policy), ...rules(policy)].map((complaint) =>
    lintProblem(policy, complaint),
  );
}

function lintId({ annotations: { id } }: UnnamedPolicy): readonly Complaint[] {
  if (id === undefined || id === '') {
    const help = 'add `@id("…")` before it: records cite it';
    return [{ rule: 'missing-id', annotation: 'id', message: 'the policy has no `@id`', help }];
  }
  if (ID.test(id)) return [];
  return [{ rule: 'bad-id', annotation: 'id', message: `the id ${JSON.stringify(id)} must match ${ID.source}` }];
}

function lintAnnotations({ est, annotations }: UnnamedPolicy): readonly Complaint[] {
  const complaints: Complaint[] = [];
  for (const name of Object.keys(annotations)) {
    if (ANNOTATIONS.has(name)) continue;
    const meant = nearest(name, ANNOTATIONS);
    const help = meant === undefined ? `known are ${[...ANNOTATIONS].join(', ')}` : `did you mean \`@${meant}\`?`;
    complaints.push({ rule: 'unknown-annotation', annotation: name, message: `unknown annotation \`@${name}\``, help });
  }
  if (est.effect === 'forbid' && annotations['obligations'] !== undefined) {
    const help = 'obligations are what is done on an allow';
    const message = 'a forbid cannot have `@obligations`';
    complaints.push({ rule: 'obligations-on-forbid', annotation: 'obligations', message, help });
  }
  if ((annotations['reason_agent'] ?? '').length > REASON_CHARACTERS_MAX) {
    const message = `\`@reason_agent\` is longer than ${REASON_CHARACTERS_MAX} characters`;
    complaints.push({ rule: 'reason-too-long', annotation: 'reason_agent', message });
  }
  const { remedy, mode } = annotations;
  if (remedy !== undefined && est.effect === 'permit') {
    const help = 'a remedy is what would turn the denial of a forbid into an allow';
    const message = 'a permit cannot have `@remedy`';
    complaints.push({ rule: 'remedy-on-permit', annotation: 'remedy', message, help });
  }
  if (mode !== undefined && mode !== LOG_ONLY) {
    const message = `\`@mode(${JSON.stringify(mode)})\` is not known`;
    complaints.push({ rule: 'unknown-mode', annotation: 'mode', message, help: `the one mode is \`${LOG_ONLY}\`` });
  }
  return complaints;
}

/** A policy of the second set obliges whoever is permitted by the first: it permits nothing itself. */
function lintObligation({ est, annotations }: UnnamedPolicy): readonly Complaint[] {
  const rule = 'only-obliges';
  if (est.effect === 'forbid') return [{ rule, message: 'a policy that only obliges cannot be a forbid' }];
  if (annotations['obligations'] === undefined) {
    return [{ rule, message: 'a policy that only obliges has no `@obligations`' }];
  }
  return ['mode', 'reason_agent']
    .filter((name) => annotations[name] !== undefined)
    .map((annotation) => ({ rule, annotation, message: `a policy that only obliges cannot have \`@${annotation}\`` }));
}

function lintReach(policy: UnnamedPolicy): readonly Complaint[] {
  const complaints: Complaint[] = [];
  if (policy.est.effect === 'permit' && namesNobodyAndNothing(policy)) {
    const message = 'the permit names neither a principal nor a resource';
    complaints.push({
      rule: 'unscoped-permit',
      message,
      help: 'say who may, such as `principal in Team::"…"`, or on what: it would hold for every agent',
    });
  }
  if (policy.est.conditions.some(({ body }) => longestEntityRead(body) > ENTITY_READS_MAX)) {
    const message = 'a condition reads an attribute of an entity that it found in an attribute of another';
    complaints.push({ rule: 'entity-chain', message, help: 'read attributes of principal and resource alone' });
  }
  return complaints;
}

/** `principal is Agent` names nobody: every principal is one. */
export function namesNobodyAndNothing({ est: { principal, resource } }: UnnamedPolicy): boolean {
  const namesPrincipal = principal.op !== 'All' && !(principal.op === 'is' && principal.in === undefined);
  return !namesPrincipal && resource.op === 'All';
}

/** How many attributes in a row are read from an entity, at most, anywhere in an expression. */
function longestEntityRead(node: Json): number {
  if (typeof node !== 'object' || node === null) return 0;
  const inside = Object.values(node).map(longestEntityRead);
  return Math.max(0, entityReads(node) ?? 0, ...inside);
}

/** Undefined when what is read is not an entity. */
function entityReads(node: Json): number | undefined {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return undefined;
  const { Var: variable, Value: value, '.': read, has } = node as Readonly<Record<string, Json>>;
  if (variable !== undefined) return variable === 'context' ? undefined : 0;
  if (typeof value === 'object' && value !== null) return '__entity' in value ? 0 : undefined;
  const { left = null, attr = null } = (read ?? has ?? {}) as Readonly<Record<string, Json>>;
  const before = entityReads(left);
  return before === undefined ? undefined : before + (Array.isArray(attr) ? attr.length : 1);
}
