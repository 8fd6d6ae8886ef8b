import {
  annotationSpan,
  headSpan,
  type PlacedText,
  placeOfSpan,
  type PolicyFaultCode,
  type PolicyProblem,
  type PolicySource,
  spanOfBytes,
  tokenSpan,
  type UntypedToolArgument,
} from '#writ/policy';
import type { ChildComplaint } from './child.js';
import { typeAdvice } from './type-advice.js';

/** What a complaint of Cedar becomes. */
interface Kind {
  readonly code: PolicyFaultCode;
  readonly rule: string;
  readonly severity?: 'warning';
}

const RULES: readonly (readonly [pattern: RegExp, rule: string])[] = [
  [/optional attribute/, 'optional-without-has'],
  [/^attribute .* not found/, 'unknown-attribute'],
  [/^unrecognized action/, 'unknown-action'],
  [/^unrecognized entity type/, 'unknown-entity-type'],
  [/policy is impossible|unable to find an applicable action/, 'impossible-policy'],
  [/mixed scripts|bidi|confusable/i, 'confusable-text'],
  [/slot/, 'template'],
];

/** Cedar's positions are UTF-8 bytes of the policy; ours are lines and UTF-16 columns of the file. */
export function placeComplaint(
  { message: told, help, start, end }: ChildComplaint,
  { code, rule, severity }: Kind,
  policy: PlacedText,
  untyped: readonly UntypedToolArgument[],
): PolicyProblem {
  const message = withoutName(told);
  const span = spanOfBytes(policy.text, start ?? 0, end ?? start ?? 0);
  const isWhole = start === undefined || (span.start === 0 && span.end >= policy.text.length);
  // Where nothing is underlined Cedar points between two characters: the next word is what it stumbled over.
  const shown = isWhole ? headSpan(policy.text) : span.end > span.start ? span : tokenSpan(policy.text, span.start);
  const advice =
    untypedAdvice(message, untyped) ?? presenceAdvice(help) ?? typeAdvice(message) ?? (help && withoutName(help));
  return {
    code,
    rule: RULES.find(([pattern]) => pattern.test(message))?.[1] ?? rule,
    ...(severity !== undefined && { severity }),
    ...placeOfSpan(policy, shown),
    message,
    ...(advice !== undefined && { help: advice }),
  };
}

/** The name is one that the loader made up. */
function withoutName(text: string): string {
  return text.replace(/^(failed to parse policy from string|for policy `[^`]*`)[:,] /, '');
}

/** Cedar knows no argument that has no type: say that it is there, and why no policy can read it. */
function untypedAdvice(message: string, untyped: readonly UntypedToolArgument[]): string | undefined {
  const [, path, tool] = /^attribute `input\.(.+)` in context for Action::"(.*)" not found$/.exec(message) ?? [];
  const found = untyped.find((argument) => {
    const dotted = argument.path.join('.');
    return argument.tool === tool && (path === dotted || path?.startsWith(`${dotted}.`) === true);
  });
  if (found === undefined) return undefined;
  return `\`${found.tool}\` has the argument \`${found.path.join('.')}\`, but policies cannot read it: ${found.why}`;
}

/** ``try testing for the attribute's presence with `context.input has cc && ..` `` in as many words as are needed. */
function presenceAdvice(help: string | undefined): string | undefined {
  const test = /presence with `(.+) && \.\.`/.exec(help ?? '')?.[1];
  return test === undefined ? undefined : `add \`${test} &&\` before it`;
}

/** The compiler knows where a policy starts and not where its annotations are: ``@name …`` stands at the annotation. */
export function placeAtAnnotation(problem: PolicyProblem, policies: ReadonlyMap<string, PlacedText>): PolicyProblem {
  const name = /^`@(\w+)`/.exec(problem.message)?.[1];
  const policy = policies.get(placeKey(problem));
  const span = name === undefined || policy === undefined ? undefined : annotationSpan(policy.text, name);
  if (policy === undefined || span === undefined) return problem;
  return { rule: 'annotation-value', ...problem, ...placeOfSpan(policy, span) };
}

/** By where policies start. */
export function policiesByPlace(policies: readonly PlacedText[]): ReadonlyMap<string, PlacedText> {
  return new Map(policies.map((policy) => [placeKey(policy), policy]));
}

function placeKey({ file, line, col }: { readonly file: string; readonly line: number; readonly col: number }): string {
  return `${file}:${line}:${col}`;
}

/** Adds to each problem the line it stands in, and how much of it is meant. */
export function withSource(
  problems: readonly PolicyProblem[],
  lineOf: (file: string, line: number) => string | undefined,
): readonly PolicyProblem[] {
  return problems.map((problem) => {
    const source = lineOf(problem.file, problem.line);
    if (source === undefined) return problem;
    const { start, end } = tokenSpan(source, problem.col - 1);
    const length = Math.min(problem.length ?? end - start, source.length - start);
    return { ...problem, length: Math.max(1, length), source };
  });
}

/** The lines of the files, without their ends. */
export function linesOf(texts: ReadonlyMap<string, string>): (file: string, line: number) => string | undefined {
  const cut = new Map<string, readonly string[]>();
  return (file, line) => {
    let lines = cut.get(file);
    const text = texts.get(file);
    if (lines === undefined && text !== undefined) cut.set(file, (lines = text.split('\n')));
    return lines?.[line - 1]?.replace(/\r$/, '');
  };
}

/** The lines of policies, where their files are not at hand. What stands before a policy in its line is blank. */
export function linesOfPolicies(policies: readonly PolicySource[]): (file: string, line: number) => string | undefined {
  return (file, line) => {
    const policy = policies.find(
      (each) => each.file === file && each.line <= line && line < each.line + lineCount(each),
    );
    const found = policy?.text.split('\n')[line - policy.line]?.replace(/\r$/, '');
    return found === undefined || policy?.line !== line ? found : ' '.repeat(policy.col - 1) + found;
  };
}

function lineCount({ text }: PolicySource): number {
  return text.split('\n').length;
}
