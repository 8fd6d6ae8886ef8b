import type { Json } from '#writ/contracts';
import { hasSpan, headSpan, placeOfSpan, type PolicyProblem, type UntypedToolArgument } from '#writ/policy';
import type { ActionContexts, ContextType } from './child.js';
import type { UnnamedPolicy } from './lint.js';
import { actionsOf, OWN_ACTIONS } from './lint-set.js';
import { nearest } from './suggest.js';

/**
 * Cedar lets a policy ask whether an attribute is there that nobody declares: the answer is always no, and a forbid behind
 * it never fires. Here it is a mistake, unless some action that the policy is about declares it.
 */
export function lintPresence(
  policy: UnnamedPolicy,
  contexts: ActionContexts,
  untyped: readonly UntypedToolArgument[],
): readonly PolicyProblem[] {
  // Groups have no context: nobody requests them.
  const requested = Object.keys(contexts).filter((name) => contexts[name]?.attributes !== undefined);
  const inScope = actionsInScope(policy, requested);
  if (inScope.length === 0) return [];
  const asked = policy.est.conditions.flatMap(({ body }) => pathsAsked(body));
  return asked.flatMap((path) => {
    const missing = inScope.map((name) => missingIn(contexts[name], path));
    if (missing.includes(undefined)) return [];
    const dotted = path.join('.');
    const hidden = untyped.find(
      ({ tool, path: argument }) => inScope.includes(tool) && `input.${argument.join('.')}` === dotted,
    );
    const meant = nearest(
      path.at(-1) ?? '',
      missing.flatMap((known) => known ?? []),
    );
    const help =
      hidden !== undefined
        ? `\`${hidden.tool}\` has the argument, but policies cannot read it: ${hidden.why}`
        : meant && `did you mean \`${meant}\`?`;
    const span = hasSpan(policy.text, path) ?? headSpan(policy.text);
    const message = `no action that the policy is about has \`context.${dotted}\`, so the test is always false`;
    const place = placeOfSpan(policy, span);
    return [
      { code: 'POLICY_INVALID', rule: 'unknown-attribute', ...place, message, ...(help !== undefined && { help }) },
    ];
  });
}

function actionsInScope({ est }: UnnamedPolicy, all: readonly string[]): readonly string[] {
  const named = new Set(actionsOf(est.action));
  const isMemory = (name: string): boolean => ['query', 'write', 'delete'].includes(name);
  return all.filter(
    (name) =>
      named.has('*') ||
      named.has(name) ||
      (named.has('memory') && isMemory(name)) ||
      (named.has('call') && !OWN_ACTIONS.includes(name)),
  );
}

/** The paths below `context` that `has` asks for, anywhere in an expression. */
function pathsAsked(node: Json): readonly (readonly string[])[] {
  if (typeof node !== 'object' || node === null) return [];
  const inside = Object.values(node).flatMap(pathsAsked);
  const { has } = node as { readonly has?: { readonly left: Json; readonly attr: string | readonly string[] } };
  const base = has === undefined ? undefined : contextPath(has.left);
  return has === undefined || base === undefined ? inside : [[...base, ...[has.attr].flat()], ...inside];
}

function contextPath(node: Json): readonly string[] | undefined {
  const { Var: variable, '.': read } = node as {
    readonly Var?: string;
    readonly '.'?: { readonly left: Json; readonly attr: string };
  };
  if (variable !== undefined) return variable === 'context' ? [] : undefined;
  const before = read === undefined ? undefined : contextPath(read.left);
  return before === undefined || read === undefined ? undefined : [...before, read.attr];
}

/** The attributes that there are in place of the one that is missing; undefined when the path is declared. */
function missingIn(type: ContextType | undefined, path: readonly string[]): readonly string[] | undefined {
  let at = type;
  for (const name of path) {
    // What is no record here is a type with a name of its own, which only Writ declares.
    if (at?.attributes === undefined) return undefined;
    if (!Object.hasOwn(at.attributes, name)) return Object.keys(at.attributes);
    at = at.attributes[name];
  }
  return undefined;
}
