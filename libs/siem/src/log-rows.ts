import type { LeafType } from './leaf.js';
import { BLOCKED, DETECTED, eventLog, finding, OTHER, plain, type Row } from './row.js';

type AboutTheLog = Extract<LeafType, `ledger.${string}` | `export.${string}` | 'producer.carried'>;

/** What an entry about the log, or about its feed, is to a SIEM: none depends on more than its type. */
export function aboutTheLog(type: AboutTheLog): Row {
  switch (type) {
    case 'ledger.near_full':
      return eventLog('Ledger nearly full', [OTHER, 'Near Full'], { ...plain(4, 8), isAlert: true });
    case 'ledger.rejected':
      return finding('Block rejected', 4, BLOCKED);
    case 'ledger.tick':
      return eventLog('Tick', [OTHER, 'Tick']);
    case 'ledger.opened':
      return eventLog('Log opened', [OTHER, 'Opened']);
    case 'ledger.integrity.violation':
      return finding('Ledger integrity violated', 5, DETECTED);
    case 'ledger.key.rotated':
      return eventLog('Ledger key rotated', [5, 'Rotate'], plain(3, 6));
    case 'ledger.frozen':
      return eventLog('Ledger ended', [OTHER, 'Freeze'], { ...plain(4, 8), isAlert: true });
    case 'ledger.pruned':
      return eventLog('Oldest of the ledger removed', [OTHER, 'Prune'], plain(3, 6));
    case 'producer.carried':
      return eventLog('Facts carried over', [OTHER, 'Carry']);
    case 'export.gap':
      return eventLog('Entries missing from a sink', [OTHER, 'Gap'], { ...plain(4, 8), isAlert: true });
    case 'export.replayed':
      return eventLog('Entries sent again', [OTHER, 'Replay'], plain(2, 4));
    case 'export.heartbeat':
      return eventLog('Heartbeat', [OTHER, 'Heartbeat']);
  }
}
