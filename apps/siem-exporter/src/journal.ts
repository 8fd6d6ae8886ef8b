import { messageOf } from '#writ/faults';
import type { Appended } from '#writ/ledger-client';
import type { EntryBody } from '#writ/contracts';
import { Stopped } from './deliver.js';
import type { Journal, Log } from './ports.js';

export interface JournalPorts {
  readonly append: (body: EntryBody) => Promise<Appended>;
  readonly log: Log;
  /** The exporter is told to end. */
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds, or when the signal comes. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const RETRY_MS = 2_000;

/**
 * Writes entries until they are on record: what a sink will never have is not skipped unrecorded, so while the ledger is full or away the
 * sink waits. Rejects with Stopped once the signal came, whatever the ledger does: the next start writes the entry, again if need be.
 */
export function persistentJournal({ append, log, signal, sleep }: JournalPorts): Journal {
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Stopped()), { once: true });
  });
  // Nobody may be waiting when it comes.
  stopped.catch(() => undefined);
  return async (body) => {
    while (!signal.aborted) {
      try {
        await Promise.race([append(body), stopped]);
        return;
      } catch (error) {
        if (error instanceof Stopped) throw error;
        log.error({ type: body.type, detail: messageOf(error) }, 'an entry of the exporter cannot be recorded');
        await sleep(RETRY_MS, signal);
      }
    }
    throw new Stopped();
  };
}
