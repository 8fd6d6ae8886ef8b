import type { JsonObject } from '#writ/contracts';
import {
  compilePolicies,
  decide,
  type Entity,
  type PolicyDecision,
  policyEntities,
  type PolicyModel,
  type PolicySet,
  uids,
} from '#writ/policy';
import { bundleOf } from './cedar-oracle.js';

export const model: PolicyModel = {
  agents: [
    { name: 'support', teams: ['sales'] },
    { name: 'intern', teams: [] },
  ],
  tools: [{ name: 'post', kind: 'http', idempotent: false, input: { type: 'object' } }],
  namespaces: ['CRM.customers'],
  destinations: [{ origin: 'https://api.example.com:8443', internal: false }],
};

export const permit = (rest = ''): string => `permit (principal, action, resource)${rest};`;
export const forbid = (rest = ''): string => `forbid (principal, action, resource)${rest};`;
export const BROKEN = ' when { context.missing }';

/** An annotation that holds JSON. */
export const annotation = (name: string, value: unknown): string =>
  `@${name}("${JSON.stringify(value).replaceAll('"', '\\"')}")`;

type Texts = Readonly<Record<string, string>>;

/** Compiles policies by id, and those of the second set. */
export function setOf(policies: Texts, obligations: Texts = {}, more: readonly Entity[] = []): PolicySet {
  const bundle = bundleOf({ ...policies, ...obligations });
  const sources = bundle.policies.map((source) => {
    return source.id in obligations ? { ...source, set: 'obligations' as const } : source;
  });
  return compilePolicies({ ...bundle, policies: sources }, [...policyEntities(model), ...more]);
}

/** Decides a call of the tool `post`. */
export function decideOn(
  policies: Texts,
  {
    context = {},
    agent = 'support',
    obligations = {},
    more = [],
  }: {
    readonly context?: JsonObject;
    readonly agent?: string;
    readonly obligations?: Texts;
    readonly more?: readonly Entity[];
  } = {},
): PolicyDecision {
  return decide(setOf(policies, obligations, more), {
    principal: uids.agent(agent),
    action: uids.action('post'),
    resource: uids.tool('post'),
    context,
  });
}

export const ids = (decision: PolicyDecision): readonly string[] => decision.determining.map(({ id }) => id);
