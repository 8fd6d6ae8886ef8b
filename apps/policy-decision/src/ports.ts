import type { DecideAddress, EntryBody, PayloadValue } from '#writ/contracts';
import type { Appended } from '#writ/ledger-client';
import type { Calls } from './calls.js';

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
