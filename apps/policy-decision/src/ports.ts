import type { Rules } from '#writ/authorisation';
import type { DecideAddress, EntryBody, PayloadValue } from '#writ/contracts';
import type { Appended, AppendOptions, HeldTokens } from '#writ/ledger-client';
import type { Calls, PolicyEpoch } from './calls.js';

/** What the owner of one shard works with. */
export interface Shard {
  readonly calls: Calls;
  /** Resolves when the entry and its values are durable. Throws LEDGER_*. */
  readonly append: (body: EntryBody, values?: readonly PayloadValue[], options?: AppendOptions) => Promise<Appended>;
}

/** A shard with the policies that its chain has activated: no decision is made under any others. */
export interface DecidingShard extends Shard {
  /** Makes tokens that are erased with the values of that holder, the pseudonym of a subject or an agent. */
  readonly tokensOf: (holder: string) => HeldTokens;
  /** What its chain says that it decides by; undefined before the first activation. */
  readonly epoch: PolicyEpoch | undefined;
  /** Undefined until the first activation is on record. */
  rules: Rules | undefined;
  /** An activation that is being recorded: decisions wait for it. Never rejects. */
  activation: Promise<void> | undefined;
}

/** The shard that a request's agent belongs to, while this process owns it. */
export interface Shards {
  of(address: DecideAddress): DecidingShard | undefined;
}
