import type { PayloadValue } from '#writ/contracts';
import { dataKeyId } from '#writ/vault';
import { type RecordedErasure, recordedErasures } from './erasures.js';
import type { LocatedEntry } from './find-call.js';
import type { Operator } from './open-operator.js';

/**
 * What the vault has of an entry. `erased`: the ledger says who destroyed the key, and why. `lost`: the key is missing and no erasure
 * is on record. `gone`: past retention, or there never were any values.
 */
export type EntryValues =
  | { readonly status: 'stored'; readonly values: readonly PayloadValue[]; readonly key: string }
  | { readonly status: 'erased'; readonly erasure: RecordedErasure }
  | { readonly status: 'lost' | 'gone' };

/** What became of the values of an entry. Throws LEDGER_CORRUPT when they were changed since they were written, and LEDGER_*. */
export async function entryValues(
  operator: Pick<Operator, 'values' | 'streams' | 'authority'>,
  { entry, block: { block } }: LocatedEntry,
): Promise<EntryValues> {
  const found = await operator.values.find({
    producer: block.producer,
    block: block.hash,
    entry: entry.id,
    writtenAtMs: Date.parse(entry.ts),
  });
  if (found.status !== 'erased') return found;
  const erasures = await recordedErasures(operator);
  const named = found.keys.map((key) => erasures.get(dataKeyId(key)));
  // Of several keys that are missing nobody can say which one it was: each must be on record.
  const [erasure] = named;
  return erasure === undefined || named.includes(undefined) ? { status: 'lost' } : { status: 'erased', erasure };
}

/** The values, as far as they are stored. */
export function storedIn(found: EntryValues | undefined): readonly PayloadValue[] | undefined {
  return found?.status === 'stored' ? found.values : undefined;
}
