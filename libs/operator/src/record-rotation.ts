import type { EntryBody } from '#writ/contracts';
import { toFault } from '#writ/faults';
import type { Operator } from './open-operator.js';
import { operatorEntries } from './operator-entries.js';

/** What is on record of a change of keys or secrets. */
export type RotationEntry = Extract<
  EntryBody,
  {
    type:
      | 'producer.enrolled'
      | 'producer.revoked'
      | 'ledger.key.rotated'
      | `credential.${'set' | 'rotated' | 'removed' | 'rekeyed'}`;
  }
>;

const ATTEMPTS_MAX = 5;

/**
 * Puts the entries of a rotation on record that are not there yet, and returns the message in which the last of them stands for the
 * first time, which is where it took effect: what was interrupted is not recorded twice. Throws LEDGER_*.
 */
export async function recordRotation(operator: Operator, wanted: readonly RotationEntry[]): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await recordOnce(operator, wanted);
    } catch (error) {
      // Another operator wrote at the same time, and the stream took the block of one alone: look again at what is missing.
      if (toFault(error).code !== 'LEDGER_FENCED' || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function recordOnce(operator: Operator, wanted: readonly RotationEntry[]): Promise<number> {
  // The chain is opened before it is read: if somebody writes in between, our block is fenced and nothing is recorded twice.
  const writer = await operator.openWriter();
  const found = new Map<RotationEntry, number>();
  for await (const { seq, entry } of operatorEntries(operator)) {
    const same = wanted.find((each) => !found.has(each) && isSame(each, entry));
    if (same !== undefined) found.set(same, seq);
  }
  const appended = wanted.map(async (entry) => found.get(entry) ?? (await writer.append(entry)).seq);
  return (await Promise.all(appended)).at(-1) ?? 0;
}

/** Whether what is on record says what is wanted, its own id, time and place aside. */
function isSame(wanted: RotationEntry, entry: object): boolean {
  const recorded: ReadonlyMap<string, unknown> = new Map(Object.entries(entry));
  return Object.entries(wanted).every(([name, value]) => recorded.get(name) === value);
}
