export { type CommandDelivery, executeCommand, type ExecutorDependencies, type ExecutorLog } from './execute.js';
export type { ExecutorIdentity } from './open-command.js';
export type { ActionRunner, CredentialUse, RunResult } from './runner.js';
export { TakenCommands } from './taken-commands.js';
