import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '#writ/faults';

interface RetryOptions {
  /** How often it is tried again at most. */
  readonly max: number;
  /** The pause before the second try; it doubles with each. */
  readonly pauseMs: number;
  /** Whether doing it twice is as good as once. */
  readonly isIdempotent: boolean;
  /** Names the call: pauses of different calls differ by it, so that those who failed together do not come again together. */
  readonly call: string;
  /** From now on. A try that could only begin later is not waited for. */
  readonly withinMs: number;
  /** Milliseconds, from any beginning. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

const PAUSE_MS_MAX = 60_000;

/**
 * Tries until it succeeds, fails for good, or the tries or the time are used up; then it throws the last failure of the action itself.
 * What is not idempotent is tried again only after a failure by which certainly nothing was sent.
 */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { max, withinMs, now, signal } = options;
  const endMs = now() + withinMs;
  let failure: unknown;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      // The breaker kept it from the service: the call ended as the try before did.
      const isKeptAway = error instanceof Fault && error.code === 'EXECUTOR_CIRCUIT_OPEN';
      if (!isKeptAway || tries === 1) failure = error;
      if (tries > max || !mayHelp(error, options)) throw failure;
      const pauseMs = pauseBefore(error, tries, options);
      if (now() + pauseMs >= endMs) throw error;
      await delay(pauseMs, undefined, { signal });
    }
  }
}

function mayHelp(error: unknown, { isIdempotent, signal }: RetryOptions): error is Fault {
  if (!(error instanceof Fault) || signal.aborted) return false;
  // Whoever was not reached may be there in a moment, also where nobody can say how far the request came.
  return isIdempotent
    ? error.transient !== undefined || error.code === 'EXECUTOR_UNREACHABLE'
    : error.transient?.sent === false;
}

/** At least as long as the service asks for. Between half of the pause and the whole of it, the same for the same call and try. */
function pauseBefore({ transient }: Fault, tries: number, { call, pauseMs }: RetryOptions): number {
  const longestMs = Math.min(PAUSE_MS_MAX, pauseMs * 2 ** (tries - 1));
  const share = createHash('sha256').update(`${call}\n${tries}`).digest().readUInt32BE() / 2 ** 32;
  return Math.max(transient?.afterMs ?? 0, (longestMs * (1 + share)) / 2);
}
