import { runService, startService } from '#writ/service-host';
import { PolicyDecisionConfig } from './config.js';
import { policyDecisionService } from './policy-decision.module.js';

await runService(PolicyDecisionConfig, async (context) => startService(await policyDecisionService(context)));
