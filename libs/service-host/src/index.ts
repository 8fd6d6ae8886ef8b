export { runLedgerService, runService } from './run-service.js';
export { type LedgerContext, type ServiceContext, serviceSettings } from './service-context.js';
export { type Service, startService } from './start-service.js';
export { type Executor, type RecordEntry, startExecutor } from './start-executor.js';
