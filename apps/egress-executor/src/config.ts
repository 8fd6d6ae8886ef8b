import { serviceSettings } from '#writ/service-host';
import { z } from 'zod';

/** Every setting of the egress executor. */
export const EgressExecutorConfig = z.object(serviceSettings);
