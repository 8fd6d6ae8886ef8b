import type { AgentRemedy } from '#writ/contracts';

interface Details {
  readonly code: string;
  readonly callId?: string | undefined;
  readonly reason?: string | undefined;
  readonly entry?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A call that did not complete. `code` is stable, `reason` is what the policy author or the service lets an agent know, `entry`
 * is the ledger entry that says so. Catch one of the subclasses to tell the ways apart.
 */
export class WritError extends Error {
  override readonly name: string = 'WritError';
  readonly code: string;
  readonly callId: string | undefined;
  readonly reason: string | undefined;
  readonly entry: string | undefined;

  constructor(message: string, { code, callId, reason, entry, cause }: Details) {
    super(message, { cause });
    this.code = code;
    this.callId = callId;
    this.reason = reason;
    this.entry = entry;
  }
}

/** Policy said no. Nothing ran. */
export class Denied extends WritError {
  override readonly name = 'Denied';
  /** What would make it an allow; empty when nothing would. */
  readonly remedies: readonly AgentRemedy[];

  constructor(message: string, details: Details & { readonly remedies?: readonly AgentRemedy[] | undefined }) {
    super(message, details);
    this.remedies = details.remedies ?? [];
  }
}

/** The request was not one that can be decided: bad arguments, an unknown tool, a used call id. Nothing ran. */
export class Refused extends WritError {
  override readonly name = 'Refused';
  /** Of RATE_LIMITED: after how many ms the same request may be let through. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: Details & { readonly retryAfterMs?: number | undefined }) {
    super(message, details);
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** It was permitted, ran and failed. */
export class Failed extends WritError {
  override readonly name = 'Failed';
}

/** It was permitted, and no executor took it in time. It never ran. */
export class Expired extends WritError {
  override readonly name = 'Expired';
}

/** It was permitted and taken, and nobody can say whether it ran. */
export class Indeterminate extends WritError {
  override readonly name = 'Indeterminate';
}

/** Nobody decides at the moment, or Writ cannot be reached. This attempt did nothing. */
export class Unavailable extends WritError {
  override readonly name = 'Unavailable';
}

/** No answer in time: whether it runs is not known here. Asking again with the same call id is safe and never runs it twice. */
export class Unanswered extends WritError {
  override readonly name = 'Unanswered';
}

/** The bus does not let this agent's key do that. */
export class NotPermitted extends WritError {
  override readonly name = 'NotPermitted';
}

/** The answer is not one that Writ gives: another version, or somebody else. */
export class InvalidAnswer extends WritError {
  override readonly name = 'InvalidAnswer';
}
