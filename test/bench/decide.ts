import type { Json, JsonObject } from '#writ/contracts';
import {
  bundleHash,
  compilePolicies,
  decide,
  type PolicyBundle,
  policyEntities,
  type PolicyJson,
  uids,
} from '#writ/policy';
import { median } from './load.js';

const COUNTS = [10, 100, 1_000, 10_000] as const;
const AGENTS = 200;
const TOOLS = 50;
/** Distinct pairs of agent and tool that policies name, so that a request has about 1, 2, 5 and 10 policies in its scope. */
const PAIRS: Readonly<Record<number, number>> = { 10: 10, 100: 55, 1_000: 200, 10_000: 1_000 };
const ROUNDS = 5;
const REQUESTS = 20_000;

export interface DecideRow {
  readonly policies: number;
  readonly decisionsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** One `Map` look-up a request, in the same run: what no engine can be faster than. */
  readonly floorPerSecond: number;
  readonly allowed: number;
}

/** Decisions in process, one core: most policies name an agent and a tool, one in eight forbids, each has three clauses. */
export function benchDecide(say: (text: string) => void): readonly DecideRow[] {
  return COUNTS.map((count) => {
    const set = compilePolicies(bundleOf(count), policyEntities(model()));
    const requests = requestsFor(count);
    let allowed = 0;
    const once = () => {
      allowed = 0;
      for (const request of requests) if (decide(set, request).effect === 'permit') allowed += 1;
    };
    once();
    const perSecond = Array.from({ length: ROUNDS }, () => rate(once));
    const lookup = new Map(requests.map((request) => [request.principal.id + request.resource.id, request]));
    let found = 0;
    const floor = rate(() => {
      for (const { principal, resource } of requests) if (lookup.has(principal.id + resource.id)) found += 1;
    });
    const took = latencies(
      () => requests,
      (request) => void decide(set, request),
    );
    const row = {
      policies: count,
      decisionsPerSecond: Math.round(median(perSecond)),
      p50Us: took(0.5),
      p99Us: took(0.99),
      floorPerSecond: found > 0 ? Math.round(floor) : 0,
      allowed,
    };
    say(`${count} policies: ${row.decisionsPerSecond}/s, p99 ${row.p99Us} µs`);
    return row;
  });
}

function rate(run: () => void): number {
  const startedMs = performance.now();
  run();
  return (REQUESTS / (performance.now() - startedMs)) * 1000;
}

function latencies<T>(items: () => readonly T[], run: (item: T) => void): (share: number) => number {
  const took = items().map((item) => {
    const before = process.hrtime.bigint();
    run(item);
    return Number(process.hrtime.bigint() - before) / 1000;
  });
  took.sort((a, b) => a - b);
  return (share) => Math.round((took[Math.floor(took.length * share)] ?? 0) * 100) / 100;
}

const agent = (n: number) => `agent-${n % AGENTS}`;
const tool = (n: number) => `tool-${n % TOOLS}`;
/** The agent and the tool of a pair; no two of 10,000 pairs are the same. */
const pair = (p: number) => ({ agent: agent(p), tool: tool(p + Math.floor(p / AGENTS)) });

function model() {
  return {
    agents: Array.from({ length: AGENTS }, (_, n) => ({ name: agent(n), teams: [`team-${n % 20}`] })),
    tools: Array.from({ length: TOOLS }, (_, n) => ({ name: tool(n), kind: 'function', idempotent: false, input: {} })),
    namespaces: [],
    destinations: [],
  };
}

const input = (attr: string): Json => ({ '.': { left: { '.': { left: { Var: 'context' }, attr: 'input' } }, attr } });
const when = (body: Json) => ({ kind: 'when', body }) as const;
const clauses = (n: number) => [
  when({ '<': { left: input('amount'), right: { Value: 100 + (n % 900) } } }),
  when({ like: { left: input('text'), pattern: [{ Literal: 'x' }, 'Wildcard'] } }),
  when({ '!=': { left: input('channel'), right: { Value: `closed-${n}` } } }),
];

function bundleOf(count: number): PolicyBundle {
  const policies = Array.from({ length: count }, (_, n) => {
    const named = pair(n % (PAIRS[count] ?? count));
    const est: PolicyJson = {
      effect: n % 8 === 7 ? 'forbid' : 'permit',
      principal: { op: '==', entity: uids.agent(named.agent) },
      action: { op: '==', entity: uids.action(named.tool) },
      resource: { op: '==', entity: uids.tool(named.tool) },
      conditions: clauses(n),
    };
    return { id: `p-${n}`, file: 'policies/bench.cedar', line: n + 1, col: 1, text: textOf(est), est, annotations: {} };
  });
  return { v: 1, hash: bundleHash(policies, 'bench'), cedarVersion: 'bench', policies };
}

/** Clause positions are found in the text, so it has as many clauses as the parsed form. */
function textOf({ effect }: PolicyJson): string {
  return `${effect} (principal, action, resource) when { a } when { b } when { c };`;
}

function requestsFor(count: number) {
  return Array.from({ length: REQUESTS }, (_, n) => {
    // Two of three requests aim at some policy's scope.
    const aimed = pair(n % 3 === 0 ? n : (n * 31) % (PAIRS[count] ?? count));
    const context: JsonObject = {
      input: { amount: (n * 13) % 1_200, text: n % 5 === 0 ? 'y' : 'xyz', channel: '#support' },
      session: { callsToday: 3 },
      time: { unix: 1, hour: 1, weekday: 1 },
    };
    const { agent: name, tool: called } = aimed;
    return { principal: uids.agent(name), action: uids.action(called), resource: uids.tool(called), context };
  });
}
