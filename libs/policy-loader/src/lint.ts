import { LOG_ONLY, type PolicyProblem, type PolicySource } from '#writ/policy';

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

/** A policy that Cedar parsed, before its id is known to be there and to be its own. */
export type UnnamedPolicy = Omit<PolicySource, 'id'>;

/** Writ's own rules for one policy, beyond those of Cedar. */
export function lintPolicy(policy: UnnamedPolicy): readonly PolicyProblem[] {
  const { file, line, col, est, annotations } = policy;
  const problems: PolicyProblem[] = [];
  const complain = (message: string, help?: string): void => {
    problems.push({ code: 'POLICY_LINT', file, line, col, message, ...(help !== undefined && { help }) });
  };
  const id = annotations['id'];
  if (id === undefined || id === '') complain('the policy has no `@id`', 'add `@id("…")` before it: records cite it');
  else if (!ID.test(id)) complain(`the id ${JSON.stringify(id)} must match ${ID.source}`);
  for (const name of Object.keys(annotations)) {
    if (!ANNOTATIONS.has(name)) complain(`unknown annotation \`@${name}\``, `known are ${[...ANNOTATIONS].join(', ')}`);
  }
  if (est.effect === 'forbid' && annotations['obligations'] !== undefined) {
    complain('a forbid cannot have `@obligations`', 'obligations are what is done on an allow');
  }
  if ((annotations['reason_agent'] ?? '').length > REASON_CHARACTERS_MAX) {
    complain(`\`@reason_agent\` is longer than ${REASON_CHARACTERS_MAX} characters`);
  }
  if (annotations['remedy'] !== undefined && est.effect === 'permit') {
    complain('a permit cannot have `@remedy`', 'a remedy is what would turn the denial of a forbid into an allow');
  }
  if (annotations['mode'] !== undefined && annotations['mode'] !== LOG_ONLY) {
    complain(`\`@mode(${JSON.stringify(annotations['mode'])})\` is not known`, `the one mode is \`${LOG_ONLY}\``);
  }
  if (policy.set === 'obligations') return [...problems, ...lintObligation(policy)];
  if (est.effect === 'permit' && isUnscoped(policy)) {
    complain('the permit names neither a principal nor a resource', 'it would hold for every agent on everything');
  }
  return problems;
}

/** A policy of the second set obliges whoever is permitted by the first: it permits nothing itself. */
function lintObligation({ file, line, col, est, annotations }: UnnamedPolicy): readonly PolicyProblem[] {
  const problem = (message: string): PolicyProblem => ({ code: 'POLICY_LINT', file, line, col, message });
  if (est.effect === 'forbid') return [problem('a policy that only obliges cannot be a forbid')];
  if (annotations['obligations'] === undefined) return [problem('a policy that only obliges has no `@obligations`')];
  const others = ['mode', 'reason_agent'].filter((name) => annotations[name] !== undefined);
  return others.map((name) => problem(`a policy that only obliges cannot have \`@${name}\``));
}

/** Every use of an id but the first. */
export function duplicateIds(policies: readonly UnnamedPolicy[]): readonly PolicyProblem[] {
  const first = new Map<string, UnnamedPolicy>();
  return policies.flatMap((policy): readonly PolicyProblem[] => {
    const id = policy.annotations['id'] ?? '';
    const known = first.get(id);
    if (known === undefined) first.set(id, policy);
    if (known === undefined || id === '') return [];
    const { file, line, col } = policy;
    return [
      { code: 'POLICY_LINT', file, line, col, message: `the id \`${id}\` is taken by ${known.file}:${known.line}` },
    ];
  });
}

/** `principal is Agent` names nobody: every principal is one. */
function isUnscoped({ est: { principal, resource } }: UnnamedPolicy): boolean {
  const namesPrincipal = principal.op !== 'All' && !(principal.op === 'is' && principal.in === undefined);
  return !namesPrincipal && resource.op === 'All';
}
