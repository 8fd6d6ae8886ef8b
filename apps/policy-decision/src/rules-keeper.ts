import type { Catalogue } from '#writ/catalogue';
import type { RegisteredAgent } from '#writ/deployment';
import { internalOrigins } from '#writ/egress-rules';
import { type Fault, toFault } from '#writ/faults';
import { compilePolicies, generateSchema, policyEntities, type PolicyBundle, type PolicyModel } from '#writ/policy';
import type { Rules } from './ports.js';

export interface RulesKeeperOptions {
  readonly catalogue: Catalogue;
  /** Parses and validates the policy files in a process of its own. Throws POLICY_*. */
  readonly loadBundle: (schema: string) => Promise<PolicyBundle>;
  readonly agents: () => Promise<readonly RegisteredAgent[]>;
  readonly onChanged: (rules: Rules) => void;
  /** A change was refused; what was in force stays so. */
  readonly onRejected: (fault: Fault, kept: Rules) => void;
}

/** What decisions are made from: catalogue, agents and policies. Good changes replace it as a whole, bad ones are refused. */
export class RulesKeeper {
  #bundle: PolicyBundle;
  #agents: readonly RegisteredAgent[];
  #rules: Rules;
  #changes: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: RulesKeeperOptions,
    loaded: { readonly bundle: PolicyBundle; readonly agents: readonly RegisteredAgent[] },
  ) {
    this.#bundle = loaded.bundle;
    this.#agents = loaded.agents;
    this.#rules = rulesOf(options.catalogue, loaded.bundle, loaded.agents);
  }

  /** Throws POLICY_* when the policies are not good: a service does not start on them. */
  static async open(options: RulesKeeperOptions): Promise<RulesKeeper> {
    const agents = await options.agents();
    const bundle = await options.loadBundle(generateSchema(modelOf(options.catalogue, agents)));
    return new RulesKeeper(options, { bundle, agents });
  }

  get current(): Rules {
    return this.#rules;
  }

  get bundle(): PolicyBundle {
    return this.#bundle;
  }

  /** The policy files or the registry changed. One change at a time; decisions under way keep what they began with. */
  reload(): Promise<void> {
    this.#changes = this.#changes.then(() => this.#reload());
    return this.#changes;
  }

  async #reload(): Promise<void> {
    const { catalogue, loadBundle, onChanged, onRejected } = this.options;
    const kept = this.#rules;
    try {
      const agents = await this.options.agents();
      const bundle = await loadBundle(generateSchema(modelOf(catalogue, agents)));
      const isSame = bundle.hash === this.#bundle.hash && JSON.stringify(agents) === JSON.stringify(this.#agents);
      if (isSame) return;
      const rules = rulesOf(catalogue, bundle, agents);
      this.#bundle = bundle;
      this.#agents = agents;
      this.#rules = rules;
      onChanged(rules);
    } catch (error) {
      onRejected(toFault(error), kept);
    }
  }
}

function rulesOf(catalogue: Catalogue, bundle: PolicyBundle, agents: readonly RegisteredAgent[]): Rules {
  const names = new Set(agents.map(({ name }) => name));
  return {
    catalogue,
    policies: compilePolicies(bundle, policyEntities(modelOf(catalogue, agents))),
    internalOrigins: internalOrigins(catalogue.config.destinations),
    knows: (agent) => names.has(agent),
  };
}

/** What policies can be about. */
export function modelOf(catalogue: Catalogue, agents: readonly RegisteredAgent[]): PolicyModel {
  return {
    agents,
    tools: [...catalogue.tools.values()].map(({ name, declaration }) => ({
      name,
      kind: declaration.kind,
      idempotent: declaration.idempotent,
      input: declaration.input,
    })),
    namespaces: [...catalogue.namespaces.keys()],
    destinations: [...catalogue.destinations.values()].map(({ declaration }) => declaration),
  };
}
