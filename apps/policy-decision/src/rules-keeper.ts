import { type Rules, rulesOf } from '#writ/authorisation';
import type { Catalogue } from '#writ/catalogue';
import type { RegisteredAgent } from '#writ/deployment';
import { type Fault, toFault } from '#writ/faults';
import type { PolicySet } from '#writ/policy';

export interface RulesKeeperOptions {
  readonly catalogue: Catalogue;
  /** Parses, validates and compiles the policy files for those agents. Throws POLICY_*. */
  readonly load: (agents: readonly RegisteredAgent[]) => Promise<PolicySet>;
  readonly agents: () => Promise<readonly RegisteredAgent[]>;
  readonly onChanged: (rules: Rules) => void;
  /** A change was refused; what was in force stays so. */
  readonly onRejected: (fault: Fault, kept: Rules) => void;
}

/** What decisions are made from: catalogue, agents and policies. Good changes replace it as a whole, bad ones are refused. */
export class RulesKeeper {
  #changes: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: RulesKeeperOptions,
    private rules: Rules,
  ) {}

  /** Throws POLICY_* when the policies are not good: a service does not start on them. */
  static async open(options: RulesKeeperOptions): Promise<RulesKeeper> {
    return new RulesKeeper(options, await loadRules(options));
  }

  get current(): Rules {
    return this.rules;
  }

  /** The policy files or the registry changed. One change at a time; decisions under way keep what they began with. */
  reload(): Promise<void> {
    this.#changes = this.#changes.then(() => this.#reload());
    return this.#changes;
  }

  async #reload(): Promise<void> {
    try {
      this.rules = await loadRules(this.options);
      this.options.onChanged(this.rules);
    } catch (error) {
      this.options.onRejected(toFault(error), this.rules);
    }
  }
}

async function loadRules({ catalogue, load, agents }: RulesKeeperOptions): Promise<Rules> {
  const registered = await agents();
  return rulesOf(catalogue, await load(registered), registered);
}
