import { serviceSettings } from '#writ/service-host';
import { z } from 'zod';

/** All settings of the process. Where entries go stands in writ.yaml, under `siem`. */
export const ExporterConfig = z.object({
  ...serviceSettings,
  /** Where the sealed log is, for replays. Absent: `ledger` in the data directory. */
  WRIT_LOG_DIR: z.string().min(1).optional(),
});
export type ExporterConfig = Readonly<z.infer<typeof ExporterConfig>>;
