import type { Rules } from '#writ/authorisation';
import type { EntryBody } from '#writ/contracts';
import { Fault, messageOf, toFault } from '#writ/faults';
import { comparePolicies, type PolicyDifference, type PolicySource, withEntities } from '#writ/policy';
import type { SignedManifest } from '#writ/signing';
import type { PolicyEpoch } from './calls.js';
import { inTime } from './in-time.js';
import type { DecidingShard } from './ports.js';

/** Rules that loaded, and the manifest that publishes them; none when the files themselves are the publication. */
export interface PublishedRules {
  readonly rules: Rules;
  readonly manifest: SignedManifest | undefined;
}

export interface PolicyActivationOptions {
  /** The newest that loaded. */
  readonly published: () => PublishedRules;
  /** The shards that this process owns now. */
  readonly shards: () => readonly DecidingShard[];
  /** Signs a manifest for files that nobody published. */
  readonly manifestFor: (hash: string, version: number) => SignedManifest;
  /** The policies of a bundle that is in force no more and not in memory; undefined when they are not at hand. Never rejects. */
  readonly policiesOf: (hash: string) => Promise<readonly PolicySource[] | undefined>;
  /** Told why policies that loaded may not be put in force on a shard. */
  readonly onRefused: (fault: Fault) => void;
  readonly log: {
    error(fields: Record<string, unknown>, message: string): void;
    warn(fields: Record<string, unknown>, message: string): void;
  };
}

const IDS_LISTED_MAX = 32;
const RETRY_MS = 1_000;
/** A shard is not kept without policies for the sake of a list of differences. */
const COMPARE_WITHIN_MS = 2_000;
const REFUSALS: ReadonlySet<string> = new Set(['POLICY_DOWNGRADE', 'POLICY_UNSIGNED']);
const PASSING: ReadonlySet<string> = new Set(['LEDGER_FULL', 'LEDGER_UNAVAILABLE', 'LEDGER_OVERLOADED']);

/**
 * Puts policies in force, shard by shard: an entry in the shard's own chain first, then the pointer. So a decision cites a bundle
 * that its chain has activated, whatever happens in between.
 */
export class PolicyActivation {
  constructor(private readonly options: PolicyActivationOptions) {}

  /**
   * Activates the newest rules on a shard, or leaves it as it is and throws: POLICY_DOWNGRADE or POLICY_UNSIGNED when they may
   * not follow what is in force, LEDGER_* when the activation could not be recorded. One at a time for a shard.
   */
  async activate(shard: DecidingShard): Promise<void> {
    while (shard.activation !== undefined) await shard.activation;
    const published = this.options.published();
    const { rules } = published;
    // The same policies over other agents or entities: the epoch stays, unless it was published under a newer version.
    if (shard.epoch?.hash === rules.policies.hash && !isNewer(published.manifest, shard.epoch)) {
      shard.rules = rules;
      return;
    }
    let manifest: SignedManifest;
    try {
      manifest = this.#manifestOf(shard, published);
    } catch (error) {
      // The policies stay; the agents are those of now, or one that was demoted would keep what it had.
      if (shard.rules !== undefined)
        shard.rules = { ...rules, policies: withEntities(shard.rules.policies, rules.policies.entities) };
      throw error;
    }
    const recorded = this.#record(shard, rules, manifest);
    shard.activation = recorded.catch(() => undefined).finally(() => (shard.activation = undefined));
    await recorded;
  }

  async #record(shard: DecidingShard, rules: Rules, manifest: SignedManifest): Promise<void> {
    const before = await this.#policiesBefore(shard);
    await shard.append(activated(shard.epoch, before, { rules, manifest }));
    // If the process dies here the epoch is on record and nothing was decided under it.
    shard.rules = rules;
    const { version } = manifest;
    const { hash } = rules.policies;
    // A change of what is permitted stands on the screen of `writ up`, whoever made it.
    this.options.log.warn(
      { bundle: hash, version, detail: `version ${version}, ${hash}` },
      'new policies are in force',
    );
  }

  /** What was in force: in memory, or, after a restart and a takeover, what is kept under the hash that the chain names. */
  async #policiesBefore({ rules, epoch }: DecidingShard): Promise<readonly PolicySource[] | undefined> {
    if (rules !== undefined) return rules.policies.sources;
    if (epoch === undefined) return undefined;
    return inTime(this.options.policiesOf(epoch.hash), COMPARE_WITHIN_MS, () => undefined);
  }

  /**
   * The same on a shard that was just claimed. One whose chain is ahead of the policies has none in force: it says so in its chain,
   * refuses every request, and waits for newer ones. Throws LEDGER_*.
   */
  async activateFirst(shard: DecidingShard): Promise<void> {
    await this.activate(shard).catch(async (error: unknown) => {
      if (!REFUSALS.has(toFault(error).code)) throw error;
      await this.#refused(shard, error);
    });
  }

  /** The same on every shard. One that refuses goes on under what it has, and says so in its chain. */
  async activateAll(): Promise<void> {
    await Promise.all(
      this.options.shards().map((shard) => this.activate(shard).catch((error: unknown) => this.#refused(shard, error))),
    );
  }

  async #refused(shard: DecidingShard, error: unknown): Promise<void> {
    const fault = toFault(error);
    const { code } = fault;
    if (REFUSALS.has(code)) this.options.onRefused(fault);
    this.options.log.error({ code, detail: messageOf(error) }, 'policies could not be put in force');
    if (PASSING.has(code)) this.#retry(shard);
    if (!REFUSALS.has(code) || shard.epoch === undefined) return;
    const kept = shard.epoch.hash;
    await shard.append({ type: 'policy.rejected', why: { code }, kept, at: 'manifest' }).catch(() => undefined);
  }

  #retry(shard: DecidingShard): void {
    setTimeout(() => {
      if (!this.options.shards().includes(shard)) return;
      this.activate(shard).catch((error: unknown) => void this.#refused(shard, error));
    }, RETRY_MS).unref();
  }

  /** Whether the newest policies may be put in force over what the shard's chain says. */
  isAcceptable(epoch: PolicyEpoch | undefined): boolean {
    const { rules, manifest } = this.options.published();
    return epoch === undefined || epoch.hash === rules.policies.hash || refusalOf(manifest, epoch) === undefined;
  }

  #manifestOf({ epoch }: DecidingShard, { rules, manifest }: PublishedRules): SignedManifest {
    const refusal = epoch === undefined ? undefined : refusalOf(manifest, epoch);
    if (refusal !== undefined) throw refusal;
    return manifest ?? this.options.manifestFor(rules.policies.hash, (epoch?.highest ?? 0) + 1);
  }
}

/** Why the manifest may not follow what is in force. */
function refusalOf(manifest: SignedManifest | undefined, epoch: PolicyEpoch): Fault | undefined {
  const { version, highest, isPublished } = epoch;
  if (manifest === undefined) {
    // Otherwise whoever may write files could undo what an operator published, by changing the configuration.
    return isPublished
      ? new Fault('POLICY_UNSIGNED', 'an operator published what is in force: `policyActivation: manifest`')
      : undefined;
  }
  if (manifest.version > highest || (manifest.over === version && manifest.version < version)) return undefined;
  return new Fault(
    'POLICY_DOWNGRADE',
    `version ${manifest.version} of the policies is not newer than ${highest}; version ${version} is in force`,
  );
}

function isNewer(manifest: SignedManifest | undefined, epoch: PolicyEpoch): boolean {
  return manifest !== undefined && manifest.version !== epoch.version && refusalOf(manifest, epoch) === undefined;
}

function activated(
  epoch: PolicyEpoch | undefined,
  before: readonly PolicySource[] | undefined,
  { rules: { policies }, manifest }: { readonly rules: Rules; readonly manifest: SignedManifest },
): EntryBody {
  const { version, author, at, over, key, sig } = manifest;
  return {
    type: 'policy.changed',
    bundle: { old: epoch?.hash ?? null, new: policies.hash },
    policies: policies.size,
    man: { ver: version, author, at, ...(over !== undefined && { over }), key, sig },
    ...(before !== undefined && { diff: summarised(comparePolicies(before, policies.sources)) }),
  };
}

function summarised(differences: readonly PolicyDifference[]) {
  const idsOf = (wanted: PolicyDifference['change']): string[] =>
    differences
      .filter(({ change }) => change === wanted)
      .slice(0, IDS_LISTED_MAX)
      .map(({ id }) => id);
  return { added: idsOf('added'), removed: idsOf('removed'), changed: idsOf('changed'), n: differences.length };
}
