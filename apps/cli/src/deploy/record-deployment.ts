import { openOperator, recordIdentities, recordRotation } from '#writ/operator';
import { secretPlace, SecretStore } from '#writ/secrets';

/** What is on record now. */
interface RecordedDeployment {
  /** What was written about agents. */
  readonly identities: Awaited<ReturnType<typeof recordIdentities>>;
  /** Changes of secrets that the store has noted and that are on record, now or from before. */
  readonly secrets: number;
}

/**
 * Puts what `writ deploy prepare` handed over on record, as far as it is not there: agents, and changes of secrets. The store here is a copy
 * that is not opened, so nothing is noted in it. Throws LEDGER_*, CONFIG_*.
 */
export async function recordDeployment(dataDir: string, url: string | undefined): Promise<RecordedDeployment> {
  const operator = await openOperator({ dataDir, url });
  try {
    const identities = await recordIdentities(operator);
    const store = new SecretStore(secretPlace({}, { baseDirectory: dataDir, dataDir }));
    const changes = await store.unrecorded();
    if (changes.length > 0) await recordRotation(operator, changes);
    return { identities, secrets: changes.length };
  } finally {
    await operator.close();
  }
}
