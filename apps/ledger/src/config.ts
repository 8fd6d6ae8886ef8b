import { serviceSettings } from '#writ/service-host';
import { z } from 'zod';

/** Every setting of the sealer. */
export const LedgerConfig = z.object({
  ...serviceSettings,
  /** Where the log is written: tiles, checkpoints, block index. Absent: `ledger` in the data directory. */
  WRIT_LOG_DIR: z.string().min(1).optional(),
  /** What the sealer knows that it signed. Keep it on another disk than the streams. Absent: `sealer` in the data directory. */
  WRIT_SEALER_DIR: z.string().min(1).optional(),
});
export type LedgerConfig = Readonly<z.infer<typeof LedgerConfig>>;
