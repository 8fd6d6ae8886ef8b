import { serviceSettings } from '#writ/service-host';
import { z } from 'zod';

/** Every setting of the memory executor. */
export const MemoryExecutorConfig = z.object(serviceSettings);
