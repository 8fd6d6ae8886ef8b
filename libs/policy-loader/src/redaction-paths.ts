import type { Catalogue } from '#writ/catalogue';
import type { JsonObject } from '#writ/contracts';
import type { PolicyProblem, PolicySet } from '#writ/policy';
import { unmatchedPaths } from '#writ/redaction';

/** Actions that have no tool schema: their arguments are open, or checked elsewhere. */
const OTHER_ACTIONS: ReadonlySet<string> = new Set(['memory', 'query', 'write', 'delete', 'fetch', 'connect']);

/** A redaction by the rules of a file where the configuration names none: every call that it is about would be withheld. */
export function checkRedactionRules(
  { policies, obligations: obliging }: PolicySet,
  { config }: Catalogue,
): readonly PolicyProblem[] {
  if (config.redactionRules !== undefined) return [];
  return [...policies, ...(obliging?.policies ?? [])]
    .filter(({ obligations }) =>
      obligations.some((each) => each.type === 'redact' && each.detectors?.includes('rule-file') === true),
    )
    .map(({ source: { file, line, col } }) => ({
      code: 'POLICY_LINT' as const,
      rule: 'redaction-rules',
      file,
      line,
      col,
      message: '`@obligations` asks for `rule-file`, and `redactionRules` in the configuration names no file',
    }));
}

/**
 * A redaction of inputs by a path that no tool in the policy's scope can have would redact nothing, in silence. Each is a problem
 * at its policy's start, about its `@obligations`.
 */
export function checkRedactionPaths(
  { policies, obligations: obliging }: PolicySet,
  { tools }: Catalogue,
): readonly PolicyProblem[] {
  const all = [...policies, ...(obliging?.policies ?? [])];
  return all.flatMap(({ source, actions, obligations }) => {
    const paths = obligations.flatMap((obligation) =>
      obligation.type === 'redact' && obligation.target === 'input' ? (obligation.paths ?? []) : [],
    );
    if (paths.length === 0) return [];
    const names = actions.map(({ entity }) => entity?.id);
    if (names.length === 0 || names.some((name) => name === undefined || OTHER_ACTIONS.has(name))) return [];
    const inScope = names.includes('call')
      ? [...tools.values()]
      : [...tools.values()].filter(({ name }) => names.includes(name));
    // Without a tool nothing is redacted by anybody; an action that is unknown is told by Cedar.
    if (inScope.length === 0) return [];
    const schemas = inScope.map(({ declaration }) => declaration.input as JsonObject);
    return paths
      .filter((path) => schemas.every((schema) => unmatchedPaths(schema, [path]).length > 0))
      .map((path) => ({
        code: 'POLICY_LINT' as const,
        rule: 'redaction-path',
        file: source.file,
        line: source.line,
        col: source.col,
        message: `\`@obligations\` redacts \`${path}\`, which can match no argument of the tools that the policy is about`,
      }));
  });
}
