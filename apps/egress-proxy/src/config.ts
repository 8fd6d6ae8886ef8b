import { serviceSettings } from '#writ/service-host';
import { z } from 'zod';

/** Every setting of the egress proxy. */
export const EgressProxyConfig = z.object({
  ...serviceSettings,
  /** The folder of the profiles of the agents that may use it; absent: that of the data directory. */
  WRIT_PROXY_AGENTS: z.string().min(1).optional(),
});
export type EgressProxyConfig = Readonly<z.infer<typeof EgressProxyConfig>>;
