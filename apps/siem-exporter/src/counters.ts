/** What a sink did since the process started, for `/readyz` and for people. */
export interface Counters {
  sent: number;
  /** Sent once more, because somebody asked for it. */
  replayed: number;
  retries: number;
  deadLettered: number;
  gaps: number;
  heartbeats: number;
  /** What went wrong last, if the last attempt did; undefined when it went well. */
  lastProblem: string | undefined;
  lastAcknowledgedMs: number | undefined;
}

/** Counters of a sink that did nothing yet. */
export function newCounters(): Counters {
  return {
    sent: 0,
    replayed: 0,
    retries: 0,
    deadLettered: 0,
    gaps: 0,
    heartbeats: 0,
    lastProblem: undefined,
    lastAcknowledgedMs: undefined,
  };
}
