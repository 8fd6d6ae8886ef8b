export { exitOnConfig, loadConfig } from './load-config.js';
export { createLogger } from './logger.js';
export { type Service, startService } from './start-service.js';
