const DAY_MS = 86_400_000;

/** `context.session.callsToday`: how many calls each agent was allowed on its last UTC day, counted in stream order. */
export class DailyCounts {
  readonly #byAgent = new Map<string, { day: string; count: number }>();

  /** Calls allowed to the agent on the UTC day of `nowMs`. */
  of(agent: string, nowMs: number): number {
    const counted = this.#byAgent.get(agent);
    return counted?.day === dayOf(nowMs) ? counted.count : 0;
  }

  /** Counts one allow. `ts` is the time of its entry, ISO 8601 in UTC. */
  count(agent: string, ts: string): void {
    const day = ts.slice(0, 10);
    const counted = this.#byAgent.get(agent);
    if (counted?.day === day) counted.count += 1;
    else if (counted === undefined || counted.day < day) this.#byAgent.set(agent, { day, count: 1 });
  }
}

let today = { number: -1, text: '' };

/** The UTC day, `2026-01-31`. It is asked for with every call, and changes once a day. */
function dayOf(nowMs: number): string {
  const number = Math.floor(nowMs / DAY_MS);
  if (number !== today.number) today = { number, text: new Date(nowMs).toISOString().slice(0, 10) };
  return today.text;
}
