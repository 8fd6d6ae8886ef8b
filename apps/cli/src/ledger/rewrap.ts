import { deploymentPaths, readPayloadKey, writePayloadKey } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { openOperator, recordedErasures, repeatErasures, rewrapKeys } from '#writ/operator';

/** Adds a tenant key that wraps from the next start of the services on; the older ones still unwrap. Returns how many there are. Throws CONFIG_KEY. */
export async function addTenantKey(dataDir: string): Promise<number> {
  const paths = deploymentPaths(dataDir);
  const keys = (await readPayloadKey(paths)).withNewKey();
  await writePayloadKey(paths, keys);
  return keys.count;
}

/**
 * Wraps every data key under the newest tenant key, and takes the older ones away. Returns how many were wrapped anew. Throws
 * CONFIG_NOT_RUNNING, LEDGER_*, and CONFIG_KEY when a service that was not restarted still wraps under an older one: then it stays.
 */
export async function rewrap(dataDir: string): Promise<number> {
  const operator = await openOperator({ dataDir, url: process.env['WRIT_NATS_URL'] });
  try {
    const { dataKeys: keys, tenantKeys, paths } = operator;
    const { rewrapped, left } = await rewrapKeys(keys, tenantKeys);
    // An erasure at the same time may have destroyed a key before it was added again.
    await repeatErasures({ keys, recorded: () => recordedErasures(operator) });
    if (left > 0) {
      throw new Fault('CONFIG_KEY', 'a service still wraps under an older tenant key: restart it, and run this again');
    }
    // If the process dies here the older keys are in the file and open nothing.
    await writePayloadKey(paths, tenantKeys.withNewestAlone());
    return rewrapped;
  } finally {
    await operator.close();
  }
}
