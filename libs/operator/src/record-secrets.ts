import type { SecretStore } from '#writ/secrets';
import type { Operator } from './open-operator.js';
import { recordRotation } from './record-rotation.js';

/**
 * Puts the changes of the secret store on record that are not there yet, and returns how many there were. What an earlier try recorded
 * without noting it is not recorded twice. Throws LEDGER_*, CONFIG_DATA_DIR*.
 */
export async function recordSecrets(operator: Operator, store: SecretStore): Promise<number> {
  const changes = await store.unrecorded();
  if (changes.length === 0) return 0;
  await recordRotation(operator, changes);
  // If the process dies here they are on record, and the next try finds them there.
  await store.markRecorded(changes, new Date());
  return changes.length;
}
