import { serviceSettings } from '#writ/service-host';
import { z } from 'zod';

/** Every setting of the sealer. */
export const LedgerConfig = z.object({
  ...serviceSettings,
  /** Where the log is written: tiles, checkpoints, block index. Absent: `ledger` in the data directory. */
  WRIT_LOG_DIR: z.string().min(1).optional(),
  /** What the sealer knows that it signed. Keep it on another disk than the streams. Absent: `sealer` in the data directory. */
  WRIT_SEALER_DIR: z.string().min(1).optional(),
  /** A standby takes over from an owner that it has not heard of for so long, in milliseconds. */
  WRIT_SEALER_LEASE_MS: z.coerce.number().int().min(2_000).max(600_000).default(10_000),
});
export type LedgerConfig = Readonly<z.infer<typeof LedgerConfig>>;
