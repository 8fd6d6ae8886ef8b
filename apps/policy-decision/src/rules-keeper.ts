import { rulesOf } from '#writ/authorisation';
import type { Catalogue } from '#writ/catalogue';
import type { RegisteredAgent } from '#writ/deployment';
import { type Fault, toFault } from '#writ/faults';
import { type Entity, type PolicySet, withEntities } from '#writ/policy';
import type { SignedManifest } from '#writ/signing';
import { isDeepStrictEqual } from 'node:util';
import type { PublishedRules } from './policy-activation.js';

/** A change that was not taken. */
export interface Rejection {
  readonly fault: Fault;
  /** What stays in force; undefined at the start. */
  readonly kept: PublishedRules | undefined;
  /** When the same is tried again although nothing changed; undefined when that would change nothing. */
  readonly againInMs: number | undefined;
  /** How often the same has failed by now. */
  readonly failures: number;
}

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
  readonly onRejected: (rejection: Rejection) => void;
  /** Runs something later; the returned function prevents it. */
  readonly later: (ms: number, run: () => void) => () => void;
}

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** Policies can be written so that Cedar is at work on them for minutes. No demotion waits longer than this for them. */
const AGENTS_AFTER_MS = 5_000;
/** Seven seconds of pauses: whoever supervises the process waits a minute. */
const RETRIES_AT_START_MAX = 3;

/** What decisions are made from: catalogue, agents and policies. Good changes replace it as a whole, bad ones are refused. */
export class RulesKeeper {
  #changes: Promise<void> = Promise.resolve();
  #failures = 0;
  #cancelRetry: (() => void) | undefined;
  #isClosed = false;

  private constructor(
    private readonly options: RulesKeeperOptions,
    private published: PublishedRules,
  ) {}

  /**
   * Throws POLICY_* when the policies are not good: a service does not start on them. POLICY_LOADER_FAILED is thrown after a few
   * tries.
   */
  static async open(options: RulesKeeperOptions): Promise<RulesKeeper> {
    for (let failures = 1; ; failures += 1) {
      try {
        return new RulesKeeper(options, await load(options));
      } catch (error) {
        const fault = toFault(error);
        if (!isPassing(fault) || failures > RETRIES_AT_START_MAX) throw error;
        const againInMs = pauseAfter(failures);
        options.onRejected({ fault, kept: undefined, againInMs, failures });
        await new Promise<void>((resolve) => void options.later(againInMs, resolve));
      }
    }
  }

  get current(): PublishedRules {
    return this.published;
  }

  /** The policy files or the registry changed. One change at a time; decisions under way keep what they began with. */
  reload(): Promise<void> {
    return this.#enqueue(() => (this.#failures = 0));
  }

  /** Tries nothing again. */
  close(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
  }

  #enqueue(before: () => void): Promise<void> {
    this.#changes = this.#changes.then(() => {
      before();
      return this.#reload();
    });
    return this.#changes;
  }

  async #reload(): Promise<void> {
    // What is loaded now is what a try that still waits would load.
    this.#cancelRetry?.();
    const cancelAgents = this.options.later(AGENTS_AFTER_MS, () => void this.#takeAgents());
    try {
      this.published = await load(this.options);
      this.options.onChanged(this.published);
    } catch (error) {
      await this.#takeAgents();
      this.#reject(toFault(error));
    } finally {
      cancelAgents();
    }
  }

  #reject(fault: Fault): void {
    this.#failures += 1;
    const failures = this.#failures;
    const againInMs = isPassing(fault) && !this.#isClosed ? pauseAfter(failures) : undefined;
    if (againInMs !== undefined) {
      this.#cancelRetry = this.options.later(againInMs, () => void this.#enqueue(() => undefined));
    }
    this.options.onRejected({ fault, kept: this.published, againInMs, failures });
  }

  /** Policies that are refused, or not loaded yet, must not keep the agents of now out: one that was demoted would keep what it had. */
  async #takeAgents(): Promise<void> {
    const { agents, entities, catalogue } = this.options;
    try {
      const registered = await agents();
      // Read now, and replaced before anything else happens: policies that were loaded meanwhile stay in force.
      const { rules, manifest } = this.published;
      const policies = withEntities(rules.policies, entities(registered));
      this.published = { rules: rulesOf(catalogue, policies, registered), manifest };
      this.options.onChanged(this.published);
    } catch {
      // The registry cannot be read either: everything stays as it is.
    }
  }
}

async function load(options: RulesKeeperOptions): Promise<PublishedRules> {
  const { catalogue, agents, entities } = options;
  const before = await agents();
  const loaded = await options.load(before);
  const manifest = await options.manifestOf(loaded);
  // Cedar may have been at work for minutes: the agents are those of now, or one that was demoted meanwhile would have its teams back.
  const registered = await agents();
  const policies = isDeepStrictEqual(before, registered) ? loaded : withEntities(loaded, entities(registered));
  return { rules: rulesOf(catalogue, policies, registered), manifest };
}

/** The loader's process ended without a result, which says nothing of the policies: a kill, a full machine, too little time. */
function isPassing({ code }: Fault): boolean {
  return code === 'POLICY_LOADER_FAILED';
}

function pauseAfter(failures: number): number {
  return Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_MAX_MS);
}
