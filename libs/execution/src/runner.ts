import type { CommandBody, Json, LlmCost, Progress } from '#writ/contracts';
import type { CutTerms } from './cut-output.js';

/** A credential that was used, and whether the service sent it back (it was scrubbed then). */
export interface CredentialUse {
  readonly name: string;
  readonly origin: string;
  readonly echoed: boolean;
}

/** What an action gave back. A failure is not a result: runners throw a Fault with an `EXECUTOR_*` code. */
export interface RunResult {
  readonly output: Json;
  /** Bytes received from the service, where that can be said. */
  readonly bytes?: number;
  /** Bytes sent to it, of a tunnel. */
  readonly sent?: number;
  /** How much of the output may be given, once it is redacted. Absent: all of it. */
  readonly cut?: CutTerms;
  /** What the provider of a language model says that the call took. */
  readonly llm?: LlmCost;
}

/** What a runner tells while it is at work. */
export interface RunListener {
  /** Each try, by a runner that may try more than once. */
  readonly onAttempt: () => void;
  /** How far it is, as the service says it, unchecked. Absent: nobody asked, so nor is the service asked. */
  readonly onProgress?: ((said: Progress) => void) | undefined;
}

/**
 * Does what a verified command says. It must stop when the signal fires: the outcome is recorded at that moment. Each
 * credential that leaves the process is told through `onCredential`, also when the action fails after that.
 */
export interface ActionRunner {
  run(
    command: CommandBody,
    signal: AbortSignal,
    onCredential: (use: CredentialUse) => void,
    listener: RunListener,
  ): Promise<RunResult>;
}

/** How long an action may still take, in milliseconds: until its deadline, or as long as policy lets it. */
export function timeLeftMs({ finishBy, obligations }: CommandBody, nowMs: number): number {
  const limits = obligations.flatMap((each) => (each.type === 'limit' && each.ms !== undefined ? [each.ms] : []));
  return Math.max(0, Math.min(finishBy - nowMs, ...limits));
}
