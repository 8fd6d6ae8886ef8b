import type { Catalogue } from '#writ/catalogue';
import type { DecideAddress, EntryBody, PayloadValue } from '#writ/contracts';
import type { Appended } from '#writ/ledger-client';
import type { PolicySet } from '#writ/policy';
import type { Calls } from './calls.js';

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

/** What the owner of one shard works with. */
export interface Shard {
  readonly calls: Calls;
  /** Resolves when the entry and its values are durable. Throws LEDGER_*. */
  readonly append: (body: EntryBody, values?: readonly PayloadValue[]) => Promise<Appended>;
}

/** The shard that a request's agent belongs to, while this process owns it. */
export interface Shards {
  of(address: DecideAddress): Shard | undefined;
}
