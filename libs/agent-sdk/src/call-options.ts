import type { Progress } from '#writ/contracts';

export interface CallOptions {
  /** Chosen by the caller to make a retry safe: the same id never has a second effect. Made up when absent. */
  readonly call?: string;
  /** Groups calls, for policies that look at a session and for people who read the ledger. */
  readonly session?: string;
  /** W3C `traceparent`. */
  readonly trace?: string;
  /** For one attempt, polling for a pending result included. */
  readonly timeoutMs?: number;
  /** How often to ask again, with the same call id, after Unavailable or Unanswered. */
  readonly retries?: number;
}

export interface ToolOptions extends CallOptions {
  /**
   * Told how far the call is, about twice a second, by tools that say so. Nothing of it is on record, and it may be called never. When it
   * throws it is not called again; the call goes on.
   */
  readonly onProgress?: (progress: Progress) => void;
}
