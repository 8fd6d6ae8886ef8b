import { rulesOf } from '#writ/authorisation';
import type { Catalogue } from '#writ/catalogue';
import type { RegisteredAgent } from '#writ/deployment';
import { type Fault, toFault } from '#writ/faults';
import { type Entity, type PolicySet, withEntities } from '#writ/policy';
import type { SignedManifest } from '#writ/signing';
import type { PublishedRules } from './policy-activation.js';

export interface RulesKeeperOptions {
  readonly catalogue: Catalogue;
  /** Parses, validates and compiles the policy files for those agents. Throws POLICY_*. */
  readonly load: (agents: readonly RegisteredAgent[]) => Promise<PolicySet>;
  readonly agents: () => Promise<readonly RegisteredAgent[]>;
  /** Every entity of the configuration, with those agents. */
  readonly entities: (agents: readonly RegisteredAgent[]) => readonly Entity[];
  /** The manifest that publishes these policies; undefined when none is asked for. Throws POLICY_UNSIGNED. */
  readonly manifestOf: (policies: PolicySet) => Promise<SignedManifest | undefined>;
  readonly onChanged: (published: PublishedRules) => void;
  /** A change was refused; what was in force stays so. */
  readonly onRejected: (fault: Fault, kept: PublishedRules) => void;
}

/** What decisions are made from: catalogue, agents and policies. Good changes replace it as a whole, bad ones are refused. */
export class RulesKeeper {
  #changes: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: RulesKeeperOptions,
    private published: PublishedRules,
  ) {}

  /** Throws POLICY_* when the policies are not good: a service does not start on them. */
  static async open(options: RulesKeeperOptions): Promise<RulesKeeper> {
    return new RulesKeeper(options, await load(options));
  }

  get current(): PublishedRules {
    return this.published;
  }

  /** The policy files or the registry changed. One change at a time; decisions under way keep what they began with. */
  reload(): Promise<void> {
    this.#changes = this.#changes.then(() => this.#reload());
    return this.#changes;
  }

  async #reload(): Promise<void> {
    try {
      this.published = await load(this.options);
      this.options.onChanged(this.published);
    } catch (error) {
      await this.#takeAgents();
      this.options.onRejected(toFault(error), this.published);
    }
  }

  /** Policies that are refused must not keep the agents of now out: one that was demoted would keep what it had. */
  async #takeAgents(): Promise<void> {
    const { agents, entities, catalogue } = this.options;
    const { rules, manifest } = this.published;
    try {
      const registered = await agents();
      const policies = withEntities(rules.policies, entities(registered));
      this.published = { rules: rulesOf(catalogue, policies, registered), manifest };
      this.options.onChanged(this.published);
    } catch {
      // The registry cannot be read either: everything stays as it is.
    }
  }
}

async function load(options: RulesKeeperOptions): Promise<PublishedRules> {
  const registered = await options.agents();
  const policies = await options.load(registered);
  return { rules: rulesOf(options.catalogue, policies, registered), manifest: await options.manifestOf(policies) };
}
