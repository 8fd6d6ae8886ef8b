import { messageOf } from '#writ/faults';
import type { SiemRecord } from '#writ/siem';
import type { Counters } from './counters.js';
import type { DeadLetters, Delivery, Log, Sink } from './ports.js';

export interface DeliverOptions {
  readonly sink: Sink;
  readonly counters: Counters;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** A record that any sink takes: whether this one takes anything at all is asked with it. */
  readonly probe: () => SiemRecord;
  /** Keeps a refused record and puts the gap on record. */
  readonly deadLetter: DeadLetters;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
}

const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 30_000;
/** A receiver may ask for a pause, but not for ever. */
const ASKED_PAUSE_MAX_MS = 300_000;

/** The exporter is stopping: what was not acknowledged stays in the stream. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/**
 * Resolves when every record was acknowledged by the sink, or refused by it for good, kept and recorded. Tries for ever. A record
 * counts as refused only when it was refused alone while the sink took something else: a sink that refuses everything is one that is
 * configured wrongly, and loses nothing. Throws Stopped.
 */
export async function deliver(records: readonly SiemRecord[], options: DeliverOptions): Promise<void> {
  for (let attempt = 0; records.length > 0; attempt++) {
    const delivery = await attemptOnce(records, options);
    if (delivery.status === 'acknowledged') return;
    if (delivery.status === 'refused') {
      const [record, ...others] = records;
      if (others.length > 0) {
        // In order: the second half is sent when the first is done with.
        const half = Math.ceil(records.length / 2);
        await deliver(records.slice(0, half), options);
        await deliver(records.slice(half), options);
        return;
      }
      if (record !== undefined && (await attemptOnce([options.probe()], options)).status === 'acknowledged') {
        await options.deadLetter(record, delivery.code);
        return;
      }
    }
    options.counters.retries += 1;
    await options.sleep(pauseMs(attempt, delivery, options.random()), options.signal);
  }
}

async function attemptOnce(
  records: readonly SiemRecord[],
  { sink, counters, log, signal }: DeliverOptions,
): Promise<Delivery> {
  if (signal.aborted) throw new Stopped('the exporter is stopping');
  const delivery = await sink
    .send(records)
    .catch((error: unknown): Delivery => ({ status: 'again', why: messageOf(error) }));
  if (delivery.status === 'acknowledged') {
    counters.lastProblem = undefined;
    counters.lastAcknowledgedMs = Date.now();
    return delivery;
  }
  // Told once per reason: an outage of an hour is one line, and its end another.
  if (counters.lastProblem !== delivery.why)
    log.warn({ detail: delivery.why, records: records.length }, 'a sink does not take records');
  counters.lastProblem = delivery.why;
  return delivery;
}

function pauseMs(attempt: number, delivery: Delivery, random: number): number {
  const asked = delivery.status === 'again' ? delivery.afterMs : undefined;
  if (asked !== undefined) return Math.min(asked, ASKED_PAUSE_MAX_MS);
  // Half of it by chance, so that many exporters do not come back in one moment.
  const most = Math.min(RETRY_FIRST_MS * 2 ** Math.min(attempt, 16), RETRY_MAX_MS);
  return most / 2 + (most / 2) * random;
}
