import type { EntryBody } from '#writ/contracts';
import { listAgents, type RegisteredAgent } from '#writ/deployment';
import { toFault } from '#writ/faults';
import type { Operator } from './open-operator.js';
import { operatorEntries } from './operator-entries.js';

type IdentityEntry = Extract<EntryBody, { type: 'agent.identity.issued' | 'agent.identity.revoked' }>;

const ATTEMPTS_MAX = 5;

/**
 * Brings the ledger in line with the registry of agents: a key that is not on record as issued is recorded, and one that is and
 * no longer holds is recorded as revoked. Whatever changed while nothing ran is so recorded at the next start. Returns what was
 * written. Throws LEDGER_*.
 */
export async function recordIdentities(operator: Operator): Promise<readonly IdentityEntry[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await recordOnce(operator);
    } catch (error) {
      // Another operator wrote at the same time, and the stream took the block of one alone: look again at what is missing.
      if (toFault(error).code !== 'LEDGER_FENCED' || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function recordOnce(operator: Operator): Promise<readonly IdentityEntry[]> {
  // The chain is opened before it is read: if somebody writes in between, our block is fenced and nothing is recorded twice.
  const writer = await operator.openWriter();
  const missing = missingEntries(await identitiesOnRecord(operator), await listAgents(operator.paths));
  await Promise.all(missing.map((entry) => writer.append(entry)));
  return missing;
}

/** What has to be written so that the record says what the registry says. `onRecord` holds the keys in force, by agent. */
export function missingEntries(
  onRecord: ReadonlyMap<string, string>,
  registered: readonly RegisteredAgent[],
): readonly IdentityEntry[] {
  const keys = new Map(registered.map(({ name, key }) => [name, key]));
  const revoked = [...onRecord]
    .filter(([agent, key]) => keys.get(agent) !== key)
    .map(([agent, key]) => ({ type: 'agent.identity.revoked' as const, who: { agent }, key }));
  const issued = [...keys]
    .filter(([agent, key]) => onRecord.get(agent) !== key)
    .map(([agent, key]) => ({ type: 'agent.identity.issued' as const, who: { agent }, key }));
  return [...revoked, ...issued];
}

/** The keys in force by what the operator's own blocks say. */
async function identitiesOnRecord(operator: Operator): Promise<ReadonlyMap<string, string>> {
  const inForce = new Map<string, string>();
  for await (const { entry } of operatorEntries(operator)) {
    if (entry.type === 'agent.identity.issued') inForce.set(entry.who.agent, entry.key);
    else if (entry.type === 'agent.identity.revoked') inForce.delete(entry.who.agent);
  }
  return inForce;
}
