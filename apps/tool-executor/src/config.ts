import { serviceSettings } from '#writ/service-host';
import { z } from 'zod';

/** Every setting of the tool executor. */
export const ToolExecutorConfig = z.object(serviceSettings);
