import type { Json, JsonObject } from '#writ/contracts';
import { bundleHash, type Entity, type EntityUid, type PolicyBundle, type PolicyJson } from '#writ/policy';

/**
 * The workload of the decide bench in one abstract form, from which every engine is given its own. 200 agents in 20 teams act
 * in five ways on 50 tools, 30 namespaces and 100 hosts, each in a group. Most policies permit one agent one action on one
 * resource, some permit a team a resource or a group, one in eight forbids, and up to 20 forbid everybody.
 */
export interface Rule {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** An agent, a team, or everybody. */
  readonly agent?: string;
  readonly team?: string;
  readonly action: ActionName;
  /** A resource, a group of them, or anything. */
  readonly resource?: string;
  readonly group?: string;
  readonly tests: readonly Test[];
}

export type Test =
  | { readonly kind: 'below' | 'atLeast'; readonly path: readonly string[]; readonly limit: number }
  | { readonly kind: 'oneOf'; readonly path: readonly string[]; readonly values: readonly string[] }
  | { readonly kind: 'isNot' | 'startsWith'; readonly path: readonly string[]; readonly text: string }
  | { readonly kind: 'tagged'; readonly tag: string }
  | { readonly kind: 'trusted' };

const ACTIONS = ['call', 'query', 'write', 'delete', 'fetch'] as const;
export type ActionName = (typeof ACTIONS)[number];

export interface Agent {
  readonly id: string;
  readonly team: string;
  readonly trustLevel: number;
}
export interface Resource {
  readonly id: string;
  readonly type: 'Tool' | 'Namespace' | 'Host';
  readonly group: string;
  readonly risk: number;
}
export interface WorkloadRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: JsonObject;
}
export interface Workload {
  readonly agents: readonly Agent[];
  readonly resources: readonly Resource[];
  readonly rules: readonly Rule[];
  readonly requests: readonly WorkloadRequest[];
}

const resourcesOf = (type: Resource['type'], count: number, groups: number): readonly Resource[] =>
  Array.from({ length: count }, (_, n) => {
    return { id: `${type.toLowerCase()}-${n}`, type, group: `${type.toLowerCase()}s-${n % groups}`, risk: n % 5 };
  });
const AGENTS: readonly Agent[] = Array.from({ length: 200 }, (_, n) => {
  return { id: `agent-${n}`, team: `team-${n % 20}`, trustLevel: 1 + (n % 5) };
});
const RESOURCES = {
  Tool: resourcesOf('Tool', 50, 8),
  Namespace: resourcesOf('Namespace', 30, 6),
  Host: resourcesOf('Host', 100, 5),
} as const;
const TYPE_OF: Readonly<Record<ActionName, Resource['type']>> = {
  call: 'Tool',
  query: 'Namespace',
  write: 'Namespace',
  delete: 'Namespace',
  fetch: 'Host',
};
const REGIONS = ['eu', 'us', 'apac', 'latam', 'africa'];
const TAGS = ['invoice', 'draft', 'internal', 'external', 'pii', 'public'];
const GLOBAL_FORBIDS_MAX = 20;

type Random = () => number;

/** The same for the same count: a bench that chooses other cases each time compares nothing. */
export function workloadOf(policies: number, requests: number): Workload {
  const random = seeded(policies);
  const rules = Array.from({ length: policies }, (_, n) => ruleOf(n, policies, random));
  return {
    agents: AGENTS,
    resources: Object.values(RESOURCES).flat(),
    rules,
    requests: Array.from({ length: requests }, () => requestOf(rules, random)),
  };
}

function seeded(seed: number): Random {
  let state = seed;
  return () => {
    // The generator of Numerical Recipes: the upper bits are good enough to choose cases.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

function pick<T>(choices: readonly T[], random: Random): T {
  return choices[Math.floor(random() * choices.length)] as T;
}

function ruleOf(n: number, policies: number, random: Random): Rule {
  const id = `p-${n}`;
  const forbids = Math.max(1, Math.floor(policies * 0.12));
  const action = pick(ACTIONS, random);
  if (n < Math.min(GLOBAL_FORBIDS_MAX, Math.ceil(forbids / 2))) {
    return { id, effect: 'forbid', action, tests: testsOf('forbid', random) };
  }
  const resource = pick(RESOURCES[TYPE_OF[action]], random);
  const effect = n < forbids ? 'forbid' : 'permit';
  const isForTeam = effect === 'forbid' || n < policies * 0.3;
  const agent = pick(AGENTS, random);
  const what = isForTeam && random() < 0.5 ? { group: resource.group } : { resource: resource.id };
  const who = isForTeam ? { team: agent.team } : { agent: agent.id };
  return { id, effect, ...who, action, ...what, tests: testsOf(effect, random) };
}

/** Two to six; what permits mostly holds, what forbids mostly does not. */
function testsOf(effect: Rule['effect'], random: Random): readonly Test[] {
  const isForbid = effect === 'forbid';
  return Array.from({ length: 2 + Math.floor(random() * 5) }, (): Test => {
    switch (Math.floor(random() * 8)) {
      case 0:
        return { kind: 'below', path: ['amount'], limit: Math.floor((isForbid ? 100 : 900) + random() * 300) };
      case 1:
        return { kind: 'atLeast', path: ['args', 'size'], limit: Math.floor((isForbid ? 700 : 0) + random() * 100) };
      case 2:
        return { kind: 'below', path: ['args', 'nested', 'level'], limit: isForbid ? 3 : 9 };
      case 3:
        return { kind: 'oneOf', path: ['region'], values: REGIONS.slice(Math.floor(random() * 2), isForbid ? 3 : 5) };
      case 4:
        return { kind: 'isNot', path: ['channel'], text: `closed-${Math.floor(random() * 50)}` };
      case 5:
        return { kind: 'startsWith', path: ['path'], text: isForbid ? `/d/${Math.floor(random() * 10)}` : '/d/' };
      case 6:
        return { kind: 'tagged', tag: pick(TAGS, random) };
      default:
        return { kind: 'trusted' };
    }
  });
}

/** Two of three aim at the scope of some policy. */
function requestOf(rules: readonly Rule[], random: Random): WorkloadRequest {
  const aim = random() < 0.65 ? pick(rules, random) : undefined;
  const action = aim?.action ?? pick(ACTIONS, random);
  const candidates = RESOURCES[TYPE_OF[action]].filter(
    ({ id, group }) => (aim?.resource ?? id) === id && (aim?.group ?? group) === group,
  );
  const agents = AGENTS.filter(({ id, team }) => (aim?.agent ?? id) === id && (aim?.team ?? team) === team);
  const { type, id } = pick(candidates, random);
  return {
    principal: { type: 'Agent', id: pick(agents, random).id },
    action: { type: 'Action', id: action },
    resource: { type, id },
    context: contextOf(random),
  };
}

function contextOf(random: Random): JsonObject {
  const long = (max: number): number => Math.floor(random() * max);
  return {
    amount: long(1_000),
    calls: long(500),
    hour: long(24),
    region: pick(REGIONS, random),
    channel: `channel-${long(40)}`,
    path: `/d/${long(10)}/file-${long(1000)}`,
    subject: 'Quarterly numbers',
    isUrgent: random() < 0.5,
    isApproved: random() < 0.5,
    tags: TAGS.filter(() => random() < 0.7),
    args: { size: long(1_000), format: 'json', nested: { level: long(10), mode: 'fast' } },
  };
}

/** What Cedar's entities are made of: agents below teams, resources below groups. */
export function entitiesOf({ agents, resources }: Workload): readonly Entity[] {
  const group = (id: string): EntityUid => ({ type: 'Group', id });
  const team = (id: string): EntityUid => ({ type: 'Team', id });
  const bare = (uid: EntityUid): Entity => ({ uid, attrs: {}, parents: [] });
  return [
    ...ACTIONS.map((id) => bare({ type: 'Action', id })),
    ...[...new Set(agents.map((agent) => agent.team))].map((id) => bare(team(id))),
    ...[...new Set(resources.map((resource) => resource.group))].map((id) => bare(group(id))),
    ...agents.map(({ id, team: of, trustLevel }): Entity => {
      return { uid: { type: 'Agent', id }, attrs: { trustLevel }, parents: [team(of)] };
    }),
    ...resources.map(({ id, type, group: of, risk }): Entity => ({
      uid: { type, id },
      attrs: { risk },
      parents: [group(of)],
    })),
  ];
}

export function bundleOf({ rules }: Workload): PolicyBundle {
  const policies = rules.map((rule, n) => {
    const est = cedarOf(rule);
    const text = `${rule.effect} (principal, action, resource)${' when { a }'.repeat(rule.tests.length)};`;
    return {
      set: 'policies' as const,
      id: rule.id,
      file: 'policies/bench.cedar',
      line: n + 1,
      col: 1,
      text,
      est,
      annotations: {},
    };
  });
  return { v: 1, hash: bundleHash(policies, 'bench'), cedarVersion: 'bench', policies };
}

function cedarOf({ effect, agent, team, action, resource, group, tests }: Rule): PolicyJson {
  const all = { op: 'All' as const };
  const type = TYPE_OF[action];
  return {
    effect,
    principal:
      agent !== undefined
        ? { op: '==', entity: { type: 'Agent', id: agent } }
        : team === undefined
          ? all
          : { op: 'in', entity: { type: 'Team', id: team } },
    action: { op: '==', entity: { type: 'Action', id: action } },
    resource:
      resource !== undefined
        ? { op: '==', entity: { type, id: resource } }
        : group === undefined
          ? all
          : { op: 'in', entity: { type: 'Group', id: group } },
    conditions: tests.map((test) => ({ kind: 'when', body: expressionOf(test) })),
  };
}

const attribute = (variable: string, path: readonly string[]): Json =>
  path.reduce<Json>((left, attr) => ({ '.': { left, attr } }), { Var: variable });
const context = (path: readonly string[]): Json => attribute('context', path);

function expressionOf(test: Test): Json {
  switch (test.kind) {
    case 'below':
      return { '<': { left: context(test.path), right: { Value: test.limit } } };
    case 'atLeast':
      return { '>=': { left: context(test.path), right: { Value: test.limit } } };
    case 'oneOf':
      return { contains: { left: { Set: test.values.map((value) => ({ Value: value })) }, right: context(test.path) } };
    case 'isNot':
      return { '!=': { left: context(test.path), right: { Value: test.text } } };
    case 'startsWith':
      return { like: { left: context(test.path), pattern: [{ Literal: test.text }, 'Wildcard'] } };
    case 'tagged':
      return { contains: { left: context(['tags']), right: { Value: test.tag } } };
    case 'trusted':
      return { '>=': { left: attribute('principal', ['trustLevel']), right: attribute('resource', ['risk']) } };
  }
}
