import type { DataSubject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { type KeyLog, openGroup, type PayloadLog, readPayload, type StoredKey } from '#writ/ledger-client';
import type { TenantKeys } from '#writ/vault';

/** Whose values, or which: those of a data subject, or of an agent where no subject was named, also of one day alone. */
export type ErasureTarget =
  { readonly subject: DataSubject } | { readonly agent: string; readonly day?: string | undefined };

const SKEW_MS = 5_000;
const DAY_MS = 86_400_000;
const COMMITTED: ReadonlySet<string> = new Set(['/in', '/cmd', '/out']);

/** The data keys that an erasure of the target destroys, as they are stored now. */
export async function keysOfTarget(
  target: ErasureTarget,
  { keys, tenantKeys }: { readonly keys: KeyLog; readonly tenantKeys: TenantKeys },
): Promise<readonly StoredKey[]> {
  const holder = 'subject' in target ? tenantKeys.pseudonym(target.subject) : target.agent;
  const day = 'subject' in target ? undefined : target.day;
  const found: StoredKey[] = [];
  for await (const key of keys.keys(holder)) {
    if (day === undefined || dayOf(key.name) === day) found.push(key);
  }
  return found;
}

/** The day, in UTC, on which a data key was used. */
export function dayOf(keyName: string): string {
  return tokensOf(keyName).day.slice(0, 10);
}

/**
 * How many commitments of the ledger the values under those keys open. Reads what their producers stored on their days. Values that do
 * not open are nobody's and are not counted.
 */
export async function commitmentsUnder(
  keys: readonly StoredKey[],
  { payloads, tenantKeys }: { readonly payloads: PayloadLog; readonly tenantKeys: TenantKeys },
): Promise<number> {
  let count = 0;
  for (const group of groupedByDay(keys).values()) {
    const byName = new Map(group.map((key) => [key.name, key]));
    const [first] = group;
    if (first === undefined) continue;
    const dayMs = Date.parse(dayOf(first.name));
    for await (const message of payloads.since(
      tokensOf(first.name).producer,
      dayMs - SKEW_MS,
      dayMs + DAY_MS + SKEW_MS,
    )) {
      for (const { name, block, box } of boxesOf(message)) {
        const key = byName.get(name);
        if (key !== undefined) count += commitmentsIn({ name, block, box }, () => tenantKeys.unwrap(name, key.data));
      }
    }
  }
  return count;
}

interface Box {
  readonly name: string;
  readonly block: string;
  readonly box: Buffer;
}

function boxesOf(message: Uint8Array): readonly Box[] {
  return tolerant(() => {
    const { block, boxes } = readPayload(message);
    return boxes.map(({ key: name, box }) => ({ name, block, box }));
  }, []);
}

function commitmentsIn({ name, block, box }: Box, key: () => Uint8Array): number {
  const opened = tolerant(() => openGroup(block, name, { key: key(), box }), []);
  return opened.flatMap(({ values }) => values.filter(({ path }) => COMMITTED.has(path))).length;
}

/** What somebody damaged must not keep anybody's data from being erased. */
function tolerant<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Fault && error.code === 'LEDGER_CORRUPT') return otherwise;
    throw error;
  }
}

function groupedByDay(keys: readonly StoredKey[]): ReadonlyMap<string, readonly StoredKey[]> {
  const groups = new Map<string, StoredKey[]>();
  for (const key of keys) {
    const { producer } = tokensOf(key.name);
    const id = `${producer} ${dayOf(key.name)}`;
    groups.set(id, [...(groups.get(id) ?? []), key]);
  }
  return groups;
}

function tokensOf(keyName: string): { readonly day: string; readonly producer: string } {
  const [, , , day = '', producer = ''] = keyName.split('.');
  return { day, producer };
}
