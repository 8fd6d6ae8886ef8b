/**
 * The policy that starts at `line` (from 1) of a Cedar file, without its annotations: from its effect to its semicolon. Good
 * enough to show the policies of this example, where a semicolon ends a line and stands in no string at a line's end.
 */
export function policyTextAt(source: string, line: number): string {
  const rest = source.split('\n').slice(line - 1);
  const effect = rest.findIndex((text) => /^\s*(permit|forbid)\b/.test(text));
  if (effect < 0) return '';
  const end = rest.findIndex((text, index) => index >= effect && text.trimEnd().endsWith(';'));
  return rest.slice(effect, end < 0 ? undefined : end + 1).join('\n');
}
