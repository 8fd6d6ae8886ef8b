import type { CommandBody, Json } from '#writ/contracts';

/** What an action gave back. A failure is not a result: runners throw a Fault with an `EXECUTOR_*` code. */
export interface RunResult {
  readonly output: Json;
  /** Bytes received from the service, where that can be said. */
  readonly bytes?: number;
  /** Credentials that were used, and whether the service sent one back (it was scrubbed then). */
  readonly credentials?: readonly { readonly name: string; readonly origin: string; readonly echoed: boolean }[];
}

/** Does what a verified command says, once. It must stop when the signal fires: the outcome is recorded at that moment. */
export interface ActionRunner {
  run(command: CommandBody, signal: AbortSignal): Promise<RunResult>;
}
