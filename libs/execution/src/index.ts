export type { CutTerms } from './cut-output.js';
export { executeCommand, type ExecutorDependencies } from './execute.js';
export { type ActionRunner, type CredentialUse, type RunListener, type RunResult, timeLeftMs } from './runner.js';
export { TakenCommands } from './taken-commands.js';
