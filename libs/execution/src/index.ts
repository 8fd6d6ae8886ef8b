export { executeCommand, type ExecutorDependencies } from './execute.js';
export type { ActionRunner, CredentialUse, RunResult } from './runner.js';
export { TakenCommands } from './taken-commands.js';
