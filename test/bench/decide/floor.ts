import type { Json, JsonObject } from '#writ/contracts';
import type { Agent, Resource, Test, Workload, WorkloadRequest } from './workload.js';

/** The answer of an engine: what all of them have to agree on before any is timed. */
export interface Answer {
  readonly effect: 'permit' | 'forbid';
  readonly determining: readonly string[];
}

/** Index and closures written by hand for this workload alone, without a language: what no engine is expected to beat. */
export function handWritten({ agents, resources, rules }: Workload): (request: WorkloadRequest) => Answer {
  const agentOf = new Map(agents.map((agent) => [agent.id, agent]));
  const resourceOf = new Map(resources.map((resource) => [resource.id, resource]));
  const index = new Map<string, CompiledRule[]>();
  for (const rule of rules) {
    const key = keyOf(rule.action, rule.agent ?? rule.team ?? '*', rule.resource ?? rule.group ?? '*');
    const list = index.get(key);
    const compiled = { id: rule.id, isPermit: rule.effect === 'permit', tests: rule.tests.map(closureOf) };
    if (list === undefined) index.set(key, [compiled]);
    else list.push(compiled);
  }
  const inScope = new Map<string, readonly CompiledRule[]>();
  return ({ principal, action, resource, context }) => {
    const who = agentOf.get(principal.id);
    const what = resourceOf.get(resource.id);
    if (who === undefined || what === undefined) return { effect: 'forbid', determining: [] };
    const key = keyOf(action.id, principal.id, resource.id);
    let candidates = inScope.get(key);
    if (candidates === undefined) inScope.set(key, (candidates = candidatesOf(index, action.id, who, what)));
    return answer(candidates, { who, what, context });
  };
}

interface Facts {
  readonly who: Agent;
  readonly what: Resource;
  readonly context: JsonObject;
}

interface CompiledRule {
  readonly id: string;
  readonly isPermit: boolean;
  readonly tests: readonly ((facts: Facts) => boolean)[];
}

const keyOf = (action: string, who: string, what: string): string => `${action} ${who} ${what}`;

function candidatesOf(
  index: ReadonlyMap<string, readonly CompiledRule[]>,
  action: string,
  { id, team }: Agent,
  what: Resource,
): readonly CompiledRule[] {
  const whos = [id, team, '*'];
  const whats = [what.id, what.group, '*'];
  const found = whos.flatMap((who) => whats.flatMap((on) => index.get(keyOf(action, who, on)) ?? []));
  // Forbids first: one of them ends the matter.
  return [...found.filter((rule) => !rule.isPermit), ...found.filter((rule) => rule.isPermit)];
}

function answer(candidates: readonly CompiledRule[], facts: Facts): Answer {
  const determining: string[] = [];
  let isForbidden = false;
  for (const { id, isPermit, tests } of candidates) {
    if (isPermit && isForbidden) break;
    let holds = true;
    for (const test of tests) {
      if (test(facts)) continue;
      holds = false;
      break;
    }
    if (!holds) continue;
    determining.push(id);
    isForbidden ||= !isPermit;
  }
  return { effect: isForbidden || determining.length === 0 ? 'forbid' : 'permit', determining };
}

function closureOf(test: Test): (facts: Facts) => boolean {
  if (test.kind === 'trusted') return ({ who, what }) => who.trustLevel >= what.risk;
  if (test.kind === 'tagged') return ({ context }) => (context['tags'] as readonly Json[]).includes(test.tag);
  const read = readerOf(test.path);
  switch (test.kind) {
    case 'below':
      return ({ context }) => (read(context) as number) < test.limit;
    case 'atLeast':
      return ({ context }) => (read(context) as number) >= test.limit;
    case 'oneOf': {
      const values = new Set<unknown>(test.values);
      return ({ context }) => values.has(read(context));
    }
    case 'isNot':
      return ({ context }) => read(context) !== test.text;
    case 'startsWith':
      return ({ context }) => (read(context) as string).startsWith(test.text);
  }
}

function readerOf([first = '', second, third]: readonly string[]): (context: JsonObject) => Json | undefined {
  if (second === undefined) return (context) => context[first];
  if (third === undefined) return (context) => (context[first] as JsonObject)[second];
  return (context) => ((context[first] as JsonObject)[second] as JsonObject)[third];
}
