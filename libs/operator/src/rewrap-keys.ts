import type { KeyLog } from '#writ/ledger-client';
import type { TenantKeys } from '#writ/vault';

/** What a run did. `left` were wrapped under an older key while it ran: somebody who does not know the newest still writes. */
export interface Rewrapped {
  readonly rewrapped: number;
  readonly left: number;
}

/**
 * Wraps every data key that an older tenant key wrapped under the newest, and destroys the older wrapping. It may die at any step: run it
 * again. Throws LEDGER_CORRUPT when a data key does not open, and StreamError.
 */
export async function rewrapKeys(keys: KeyLog, tenantKeys: TenantKeys): Promise<Rewrapped> {
  let rewrapped = 0;
  for await (const { name, seq, data } of keys.keys('*')) {
    if (tenantKeys.isNewest(data)) continue;
    await keys.add(name, tenantKeys.wrap(name, tenantKeys.unwrap(name, data)));
    // If the process dies here the key is there twice and opens either way; the next run takes the older one.
    await keys.erase(seq);
    rewrapped += 1;
  }
  let left = 0;
  for await (const { data } of keys.keys('*')) if (!tenantKeys.isNewest(data)) left += 1;
  return { rewrapped, left };
}
