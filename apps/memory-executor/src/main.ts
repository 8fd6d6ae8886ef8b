import { runService, startExecutor } from '#writ/service-host';
import { MemoryExecutorConfig } from './config.js';
import { memoryExecutor } from './memory-executor.module.js';

await runService(MemoryExecutorConfig, async (context) => startExecutor(context, await memoryExecutor(context)));
