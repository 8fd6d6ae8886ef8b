import { messageOf } from '#writ/faults';
import type { MemoryScope, MemoryStore } from './memory-store.js';

const SWEEP_EVERY_MS = 600_000;
/** The connection of the embedded database is one: between two batches, agents have their turn. */
const BATCH_RECORDS = 500;

interface SweepOptions {
  readonly warn: (fields: Record<string, unknown>, message: string) => void;
  readonly everyMs?: number;
}

/**
 * Deletes expired records of these scopes, now and every ten minutes. Nobody sees them meanwhile: the statements that read leave them
 * out. Returns what ends it; that resolves when nothing of it is under way any more. A failure is logged, and the next round comes.
 */
export function sweepExpired(
  store: Pick<MemoryStore, 'deleteExpired'>,
  scopes: readonly MemoryScope[],
  { warn, everyMs = SWEEP_EVERY_MS }: SweepOptions,
): () => Promise<void> {
  const ending = new AbortController();
  const round = async (): Promise<void> => {
    for (const scope of scopes) {
      for (let n = BATCH_RECORDS; n === BATCH_RECORDS && !ending.signal.aborted;) {
        n = await store.deleteExpired(scope, BATCH_RECORDS, ending.signal);
      }
    }
  };
  let last = Promise.resolve();
  const begin = (): void => {
    last = last.then(round).catch((error: unknown) => {
      if (!ending.signal.aborted) warn({ detail: messageOf(error) }, 'expired records could not be deleted');
    });
  };
  if (scopes.length > 0) begin();
  const timer = scopes.length === 0 ? undefined : setInterval(begin, everyMs);
  return async () => {
    ending.abort();
    clearInterval(timer);
    await last;
  };
}
