import { Answer, type Json, parse, parseStrictJson, type Progress, type Redaction } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import {
  Denied,
  Expired,
  Failed,
  Indeterminate,
  InvalidAnswer,
  Refused,
  Unavailable,
  type WritError,
} from './errors.js';

/** A call that completed. */
export interface Completed<T extends Json = Json> {
  readonly callId: string;
  readonly output: T;
  /** The ledger entry of the outcome. */
  readonly entry: string;
  /** What was taken out of the output by policy: where, and what kind. */
  readonly redactions: readonly Redaction[];
  /** What policy marks the output with. */
  readonly labels: readonly string[];
}

/** What an answer means to the caller: done, not yet, or an error to throw. */
export type Reading = { readonly completed: Completed } | 'pending' | { readonly error: WritError };

const ANSWER_LIMITS = { bytesMax: 1_048_576, depthMax: 64 };

/** Reads the bytes of an answer. Throws InvalidAnswer when they are not an answer to that call. */
export function readAnswer(bytes: Uint8Array, callId: string): Reading {
  const answer = parseAnswer(bytes, callId);
  if (answer.call !== undefined && answer.call !== callId) {
    throw new InvalidAnswer('the answer is for another call', { code: 'ANSWER_INVALID', callId });
  }
  const { entry } = answer;
  switch (answer.status) {
    case 'completed':
      return {
        completed: {
          callId,
          output: answer.output,
          entry: answer.entry,
          redactions: answer.redactions ?? [],
          labels: answer.labels ?? [],
        },
      };
    case 'pending':
      return 'pending';
    case 'failed':
      return { error: new Failed(answer.message, { code: answer.code, reason: answer.message, callId, entry }) };
    case 'denied': {
      const { code, reason, remedies } = answer;
      const details = { code, reason, callId, entry, remedies };
      return { error: new Denied(reason ?? 'the call was denied', details) };
    }
    case 'refused': {
      const { code, message: reason, retryAfterMs } = answer;
      const details = { code, reason, callId, entry, retryAfterMs };
      // Nothing is wrong with the request: the same one may be answered later.
      const isRefused = code !== 'POLICY_UNAVAILABLE';
      return { error: isRefused ? new Refused(reason, details) : new Unavailable(reason, details) };
    }
    case 'expired':
      return { error: new Expired('no executor took the call in time', { code: 'EXPIRED', callId, entry }) };
    case 'indeterminate':
      return {
        error: new Indeterminate('nobody can say whether the call ran', { code: 'INDETERMINATE', callId, entry }),
      };
  }
}

/** How far the answer says that the call is; undefined when it does not. Throws InvalidAnswer when the bytes are no answer. */
export function readProgress(bytes: Uint8Array, callId: string): Progress | undefined {
  const answer = parseAnswer(bytes, callId);
  return answer.status === 'pending' && answer.call === callId ? answer.progress : undefined;
}

function parseAnswer(bytes: Uint8Array, callId: string): Answer {
  try {
    return parse(Answer, parseStrictJson(bytes, ANSWER_LIMITS));
  } catch (cause) {
    throw new InvalidAnswer(`the answer cannot be read: ${messageOf(cause)}`, {
      code: 'ANSWER_INVALID',
      callId,
      cause,
    });
  }
}
