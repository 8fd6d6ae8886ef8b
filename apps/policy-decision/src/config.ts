import { serviceSettings } from '#writ/service-host';
import { z } from 'zod';

/** Every setting of the decision service. */
export const PolicyDecisionConfig = z.object(serviceSettings);
