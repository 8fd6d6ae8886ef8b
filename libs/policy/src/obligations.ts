import { type Obligation, Obligations } from '#writ/contracts';

/**
 * The obligations of `@obligations("[…]")`, a JSON list. Returns a sentence when they are not what Writ can enforce: a
 * policy whose obligations cannot be enforced is refused at load.
 */
export function readObligations(annotation: string): readonly Obligation[] | string {
  let json: unknown;
  try {
    json = JSON.parse(annotation);
  } catch {
    return '`@obligations` is not JSON';
  }
  const result = Obligations.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    const path = issue === undefined || issue.path.length === 0 ? '' : ` at \`${issue.path.map(String).join('.')}\``;
    return `\`@obligations\` is not a list of obligations${path}: ${issue?.message ?? 'invalid'}`;
  }
  const empty = result.data.findIndex(({ paths, detectors }) => !paths?.length && !detectors?.length);
  return empty < 0 ? result.data : `\`@obligations\` names neither paths nor detectors at \`${empty}\``;
}

/** All obligations of several permits, each once. Whichever permit fires, what another one asks for is done as well. */
export function mergeObligations(lists: readonly (readonly Obligation[])[]): readonly Obligation[] {
  const [only, ...others] = lists;
  if (only === undefined) return [];
  if (others.length === 0) return only;
  const merged = new Map<string, Obligation>();
  for (const obligation of lists.flat()) merged.set(JSON.stringify(obligation), obligation);
  return [...merged.values()];
}
