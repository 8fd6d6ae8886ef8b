export type StreamErrorReason = 'wrong-last-sequence' | 'full' | 'too-large' | 'unavailable' | 'other';

/** JetStream answered a request with an error. `code` is the server's `err_code`, `reason` what it means for Writ. */
export class StreamError extends Error {
  override readonly name = 'StreamError';

  constructor(
    readonly reason: StreamErrorReason,
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** Whether the thrown value is a StreamError, of that reason when one is given. */
export function isStreamError(thrown: unknown, reason?: StreamErrorReason): thrown is StreamError {
  return thrown instanceof StreamError && (reason === undefined || thrown.reason === reason);
}

/** The `err_code` values of nats-server (server/errors.json) that Writ tells apart. */
const REASONS: ReadonlyMap<number, StreamErrorReason> = new Map([
  [10071, 'wrong-last-sequence'],
  // Insufficient resources, memory and storage limits, and a store that refused (full stream, full disk).
  [10023, 'full'],
  [10028, 'full'],
  [10047, 'full'],
  [10077, 'full'],
  [10054, 'too-large'],
  // JetStream is not up (yet), is not enabled for the account, or the stream is offline.
  [10008, 'unavailable'],
  [10035, 'unavailable'],
  [10039, 'unavailable'],
  [10076, 'unavailable'],
  [10118, 'unavailable'],
]);

interface ApiError {
  readonly code?: number;
  readonly err_code?: number;
  readonly description?: string;
}

/** Parses an answer of the JetStream API. Throws a StreamError when it holds one. */
export function parseApiAnswer(data: Uint8Array): Record<string, unknown> {
  const answer = parseJsonObject(data);
  const error = answer['error'] as ApiError | undefined;
  if (error === undefined) return answer;
  const code = error.err_code ?? error.code ?? 0;
  const reason = REASONS.get(code) ?? (error.code === 503 ? 'unavailable' : 'other');
  throw new StreamError(reason, code, error.description ?? 'the stream refused without a reason');
}

function parseJsonObject(data: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below, together with an answer that is JSON but no object.
  }
  throw new StreamError('other', 0, 'the answer of the stream is not a JSON object');
}
