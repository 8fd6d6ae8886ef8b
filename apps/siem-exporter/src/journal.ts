import { messageOf } from '#writ/faults';
import type { Appended } from '#writ/ledger-client';
import type { EntryBody } from '#writ/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Journal, Log } from './ports.js';

const RETRY_MS = 2_000;

/**
 * Writes entries until they are on record: what a sink will never have is not skipped unrecorded, so while the ledger is full or away the
 * sink waits.
 */
export function persistentJournal(append: (body: EntryBody) => Promise<Appended>, log: Log): Journal {
  return async (body) => {
    for (;;) {
      try {
        await append(body);
        return;
      } catch (error) {
        log.error({ type: body.type, detail: messageOf(error) }, 'an entry of the exporter cannot be recorded');
        await sleep(RETRY_MS);
      }
    }
  };
}
