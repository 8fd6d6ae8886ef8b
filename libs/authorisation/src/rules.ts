import type { Catalogue } from '#writ/catalogue';
import { internalOrigins } from '#writ/egress-rules';
import type { PolicySet } from '#writ/policy';

/** What a decision is made from, besides the request. Swapped as a whole; a decision uses one from beginning to end. */
export interface Rules {
  readonly catalogue: Catalogue;
  readonly policies: PolicySet;
  /** Origins declared internal, canonical. */
  readonly internalOrigins: ReadonlySet<string>;
  /** How many agents are registered. */
  readonly agents: number;
  /** Whether the agent is registered. */
  readonly knows: (agent: string) => boolean;
}

/** The rules of a configuration for the agents that are registered. */
export function rulesOf(
  catalogue: Catalogue,
  policies: PolicySet,
  agents: readonly { readonly name: string }[],
): Rules {
  const names = new Set(agents.map(({ name }) => name));
  return {
    catalogue,
    policies,
    internalOrigins: internalOrigins(catalogue.config.destinations),
    agents: names.size,
    knows: (agent) => names.has(agent),
  };
}
