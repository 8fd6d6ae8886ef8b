import { lineIndex, splitPolicies } from '#writ/policy';

/** The policy that stands at a place of a policy file, from that place to its end; undefined when none does. */
export function policyTextAt(source: string, line: number, col: number): string | undefined {
  const placeOf = lineIndex(source);
  const isBefore = (offset: number): boolean => {
    const at = placeOf(offset);
    return at.line < line || (at.line === line && at.col <= col);
  };
  const policy = splitPolicies(source).find(({ start, end }) => isBefore(start) && !isBefore(end));
  if (policy === undefined) return undefined;
  const before = source.split('\n').slice(0, line - 1);
  const offset = before.reduce((sum, text) => sum + text.length + 1, 0) + col - 1;
  return source.slice(offset, policy.end);
}

/** One line of a text, from 1. */
export function lineAt(source: string, line: number): string | undefined {
  return source.split('\n')[line - 1]?.replace(/\r$/, '');
}
