import type { WritConfig } from '#writ/catalogue';

const DAY_MS = 86_400_000;
/** However large the stream is: what agents may still ask about, and what counts for the limits of a day, stays in it. */
const AGE_DAYS_MIN = 2;

/** How long what is kept, in milliseconds and bytes. */
export interface Retention {
  readonly streamAgeMsMax: number;
  readonly streamAgeMsMin: number;
  readonly streamBytesMax: number;
  /** Absent: the log keeps its entries for ever. */
  readonly logAgeMsMax?: number | undefined;
}

/** What `writ.yaml` asks for. */
export function retentionOf({ retention, limits }: WritConfig): Retention {
  const { streamDays, streamBytesMax, logDays } = retention;
  return {
    streamAgeMsMax: streamDays * DAY_MS,
    streamAgeMsMin: AGE_DAYS_MIN * DAY_MS,
    streamBytesMax: streamBytesMax ?? limits.ledgerBytesMax / 2,
    logAgeMsMax: logDays === undefined ? undefined : logDays * DAY_MS,
  };
}
