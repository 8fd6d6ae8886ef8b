import { Fault } from '#writ/faults';
import type { OutboundAnswer } from '#writ/outbound';

/** What a busy or restarting service, or whoever stands in front of it, answers for a while. */
const TRANSIENT: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * The EXECUTOR_FAILED for an answer that is an error. The text of a failure may quote anything, so the status alone is told. Of one that
 * passes it says how long the service asks to be left alone; `nowMs` is the time of day, for those who name a moment.
 */
export function statusFault({ status, headers }: Pick<OutboundAnswer, 'status' | 'headers'>, nowMs: number): Fault {
  const message = `the service answered with status ${status}`;
  if (!TRANSIENT.has(status)) return new Fault('EXECUTOR_FAILED', message);
  const afterMs = retryAfterMs(headers['retry-after'], nowMs);
  return new Fault('EXECUTOR_FAILED', message, { transient: { sent: true, afterMs } });
}

/** `Retry-After` as RFC 9110 has it: seconds, or a moment. What is neither says nothing. */
function retryAfterMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1_000;
  // Nothing but the form that the standard prescribes: the value is the service's, and the parser takes much else for a date.
  const moment = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - nowMs);
}
