import type { CatalogueTool } from '#writ/catalogue';
import type { CommandBody, Progress } from '#writ/contracts';
import type { CredentialBroker } from '#writ/credentials';
import type { CredentialUse, RunResult } from '#writ/execution';
import type { sendOutbound } from '#writ/outbound';

/** Hands out credentials by name and origin. */
export type CredentialLeases = Pick<CredentialBroker, 'lease'>;
/** Sends one HTTP request and reads the whole answer. */
export type SendOutbound = typeof sendOutbound;

/** One run of a tool. */
export interface ToolRun {
  readonly command: CommandBody;
  readonly signal: AbortSignal;
  readonly onCredential: (use: CredentialUse) => void;
  /** How far it is, as the service says it. Absent: nobody asked. */
  readonly onProgress?: ((said: Progress) => void) | undefined;
}

/** Runs the tools of one kind. Throws Faults with EXECUTOR_* codes; it must stop when the signal fires. */
export interface ToolKindRunner {
  run(tool: CatalogueTool, run: ToolRun): Promise<RunResult>;
}

/** What runners say about themselves. Never a payload. */
export interface ToolLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}
