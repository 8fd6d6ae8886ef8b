import type { EntryBody, EntryOf } from '#writ/contracts';
import { toFault } from '#writ/faults';
import type { KeyLog, StoredKey } from '#writ/ledger-client';
import { dataKeyId } from '#writ/vault';
import type { Operator } from './open-operator.js';
import { operatorEntries } from './operator-entries.js';

/** Who erases, and on which legal basis. Both stand in the ledger for ever, so neither may name the subject. */
export interface ErasureReason {
  readonly by: string;
  readonly basis: string;
}

/** An erasure as the ledger has it. */
export type RecordedErasure = EntryOf<'privacy.erased'>;

/** What an erasure works with. */
export interface ErasurePorts {
  readonly keys: KeyLog;
  /** Every erasure on record, by the ids of the keys that it names. */
  readonly recorded: () => Promise<ReadonlyMap<string, RecordedErasure>>;
  /** Opens a chain of blocks to write in: another one that was opened before is fenced. */
  readonly openWriter: () => Promise<{ append(body: EntryBody): Promise<unknown> }>;
  /** How many commitments cannot be opened without those keys. */
  readonly count: (keys: readonly StoredKey[]) => Promise<number>;
}

/** As many fit into one entry. */
const KEYS_PER_ENTRY_MAX = 256;
const ATTEMPTS_MAX = 5;

/**
 * Destroys data keys. Which ones is on record before the first is gone; what an earlier run recorded and did not carry out is carried
 * out without being recorded again. So it may die at any step: run it again. Throws LEDGER_*, and a StreamError when a key could not
 * be destroyed.
 */
export async function eraseKeys(
  wanted: readonly StoredKey[],
  reason: ErasureReason,
  ports: ErasurePorts,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await record(wanted, reason, ports);
      break;
    } catch (error) {
      // Another operator wrote at the same time, and the stream took the block of one alone: look again at what is missing.
      if (toFault(error).code !== 'LEDGER_FENCED' || attempt === ATTEMPTS_MAX) throw error;
    }
  }
  // If the process dies here the erasure is on record and not carried out: it is when it is asked for again, and at the next start.
  for (const { seq } of wanted) await ports.keys.erase(seq);
}

async function record(wanted: readonly StoredKey[], reason: ErasureReason, ports: ErasurePorts): Promise<void> {
  // The chain is opened before it is read: if somebody writes in between, our block is fenced and nothing is recorded twice.
  const writer = await ports.openWriter();
  const recorded = await ports.recorded();
  const missing = wanted.filter(({ name }) => !recorded.has(dataKeyId(name)));
  for (let from = 0; from < missing.length; from += KEYS_PER_ENTRY_MAX) {
    const keys = missing.slice(from, from + KEYS_PER_ENTRY_MAX);
    const ids = [...new Set(keys.map(({ name }) => dataKeyId(name)))];
    await writer.append({ type: 'privacy.erased', ...reason, keys: ids, n: await ports.count(keys) });
  }
}

/**
 * Destroys again what the ledger says was destroyed: keys that came back with a backup, or that a run which died left. Returns how many.
 * Throws LEDGER_* and StreamError.
 */
export async function repeatErasures({ keys, recorded }: Pick<ErasurePorts, 'keys' | 'recorded'>): Promise<number> {
  const erased = await recorded();
  if (erased.size === 0) return 0;
  let count = 0;
  for await (const { name, seq } of keys.keys('*')) {
    if (!erased.has(dataKeyId(name))) continue;
    await keys.erase(seq);
    count += 1;
  }
  return count;
}

/** Every erasure that the ledger has, by the ids of the keys that it names. Throws LEDGER_*. */
export async function recordedErasures(
  operator: Pick<Operator, 'streams' | 'authority'>,
): Promise<ReadonlyMap<string, RecordedErasure>> {
  const erasures = new Map<string, RecordedErasure>();
  for await (const { entry } of operatorEntries(operator)) {
    if (entry.type !== 'privacy.erased') continue;
    for (const id of entry.keys) erasures.set(id, entry);
  }
  return erasures;
}
