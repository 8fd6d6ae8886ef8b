import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Gives a function whose callers of one turn of the event loop go on together at its end. What they then send on one connection is one write.
 */
export function turnEnd(): () => Promise<void> {
  let end: Promise<void> | undefined;
  return () => (end ??= nextTurn().then(() => void (end = undefined)));
}
