import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '#writ/contracts';

/** As often as a person looks; what is asked is answered from memory and is on no record. */
const ASK_EVERY_MS = 500;

interface Watch {
  /** How far the call is now; undefined when nobody has said. */
  readonly ask: () => Promise<Progress | undefined>;
  readonly onProgress: (progress: Progress) => void;
  /** Ends it: nothing is told from then on. */
  readonly signal: AbortSignal;
  readonly everyMs?: number;
}

/**
 * Asks how far a call is until the signal fires, and tells what is new. A question without an answer is not missed: the next one follows.
 * Rejects with what `onProgress` throws.
 */
export async function watchProgress({ ask, onProgress, signal, everyMs = ASK_EVERY_MS }: Watch): Promise<void> {
  let told: string | undefined;
  for (;;) {
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const progress = await ask().catch(() => undefined);
    if (signal.aborted) return;
    const text = JSON.stringify(progress);
    if (progress === undefined || text === told) continue;
    told = text;
    onProgress(progress);
  }
}
