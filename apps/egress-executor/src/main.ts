import { runService, startExecutor } from '#writ/service-host';
import { EgressExecutorConfig } from './config.js';
import { egressExecutor } from './egress-executor.module.js';

await runService(EgressExecutorConfig, (context) => startExecutor(context, egressExecutor(context)));
