import type { Authority } from '#writ/signing';
import type { AuthenticEntry } from './verify-block.js';

/**
 * The ledger that goes on when this entry is the last of a block; undefined when the entry ends nothing. The bundle, which the root key
 * signed, must name the same ledger and the same key: whoever holds the operator's key alone ends no ledger, also not one that the root
 * key lets end later.
 */
export function frozenBy(last: AuthenticEntry | undefined, { next }: Authority): string | undefined {
  if (next === undefined || last?.type !== 'ledger.frozen') return undefined;
  return last['next'] === next.ledger && last['key'] === next.key ? next.ledger : undefined;
}
