import { lineIndex, splitPolicies } from '#writ/policy';

/** The policy of a Cedar file that `line` (from 1) is in, from its effect to its semicolon: without its annotations. */
export function policyTextAt(source: string, line: number): string {
  const lineOf = lineIndex(source);
  const policy = splitPolicies(source).find(({ start, end }) => lineOf(start).line <= line && line <= lineOf(end).line);
  const lines = policy?.text.split('\n') ?? [];
  const effect = lines.findIndex((text) => /^\s*(permit|forbid)\b/.test(text));
  return lines.slice(Math.max(effect, 0)).join('\n');
}
