import { runService, startExecutor } from '#writ/service-host';
import { ToolExecutorConfig } from './config.js';
import { toolExecutor } from './tool-executor.module.js';

await runService(ToolExecutorConfig, async (context) => startExecutor(context, await toolExecutor(context)));
