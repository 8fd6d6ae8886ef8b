/** An earlier checkpoint that lies in the log. */
export interface EarlierHead {
  readonly size: number;
  /** When it was cosigned last, else when its file was written; in milliseconds since 1970. */
  readonly timeMs: number;
  /** How many cosignatures stand under it. */
  readonly cosignatures: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** As much as the clocks of producers and witnesses may be apart for verification. */
const SLOT_OF_DAY_MS = 300_000;

/**
 * The sizes of the heads that may go. The largest stays, and all of the last hour; of the last day one in five minutes, of what is
 * older one in an hour: the one with the most cosignatures, of several the largest. What stays of an hour is among what stays of its
 * five minutes, so that it does not matter how often, and when, somebody thins out.
 */
export function surplusHeads(heads: readonly EarlierHead[], nowMs: number): readonly number[] {
  const newest = Math.max(...heads.map(({ size }) => size));
  const best = new Map<string, EarlierHead>();
  const surplus: number[] = [];
  for (const head of heads) {
    const slot = slotOf(head, nowMs);
    if (head.size === newest || slot === undefined) continue;
    const other = best.get(slot);
    const isBetter = other === undefined || isBefore(other, head);
    if (isBetter) best.set(slot, head);
    const loser = isBetter ? other : head;
    if (loser !== undefined) surplus.push(loser.size);
  }
  return surplus;
}

/** The stretch of time of which one head stays; undefined where all of them do, which is so too of what a clock put ahead. */
function slotOf({ timeMs }: EarlierHead, nowMs: number): string | undefined {
  const ageMs = nowMs - timeMs;
  if (ageMs < HOUR_MS) return undefined;
  const lengthMs = ageMs < DAY_MS ? SLOT_OF_DAY_MS : HOUR_MS;
  return `${lengthMs}/${Math.floor(timeMs / lengthMs)}`;
}

function isBefore(a: EarlierHead, b: EarlierHead): boolean {
  return a.cosignatures === b.cosignatures ? a.size < b.size : a.cosignatures < b.cosignatures;
}
