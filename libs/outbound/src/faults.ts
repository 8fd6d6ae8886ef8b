import type { LeasedCredential } from '#writ/credentials';
import { Fault, type FaultCode, messageOf } from '#writ/faults';

/** Codes of errors by which a connection is not made. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** By which a server ends a stream or a connection of HTTP/2, and what a body says that was cut off so. */
const HTTP2_ENDED = ['ERR_HTTP2_STREAM_ERROR', 'ERR_HTTP2_SESSION_ERROR', 'ERR_STREAM_PREMATURE_CLOSE'];
/** Codes of errors by which a connection ends, or is not made. */
const ENDED: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET', ...HTTP2_ENDED]);
const UNTRUSTED = /^(ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_SSL_|HOSTNAME_MISMATCH)/;

const BY_CODE: Readonly<Record<string, readonly [FaultCode, string]>> = {
  UND_ERR_HEADERS_OVERFLOW: ['EXECUTOR_OUTPUT_TOO_LARGE', 'the headers of the answer are over the size limit'],
  HPE_HEADER_OVERFLOW: ['EXECUTOR_OUTPUT_TOO_LARGE', 'the headers of the answer are over the size limit'],
  UND_ERR_HEADERS_TIMEOUT: ['EXECUTOR_TIMEOUT', 'the service did not answer in time'],
  UND_ERR_BODY_TIMEOUT: ['EXECUTOR_TIMEOUT', 'the service did not answer in time'],
};

interface Circumstances {
  /** Whether a connection was made. Without one nothing was sent: a code alone does not say so, for a connection can end by many. */
  readonly isConnected: boolean;
  readonly deadline: AbortSignal;
  readonly signal?: AbortSignal | undefined;
  readonly credential?: LeasedCredential | undefined;
}

/** The fault for whatever a request ended with. Its cause is the message alone, scrubbed: the error itself may hold the request. */
export function faultOf(thrown: unknown, { isConnected, deadline, signal, credential }: Circumstances): Fault {
  // What the input rules refuse has got past the decision service; for an executor it is a failed action.
  if (thrown instanceof Fault)
    return thrown.code === 'INPUT_INVALID' ? new Fault('EXECUTOR_FAILED', thrown.message) : thrown;
  const code = codeOf(thrown);
  const message = messageOf(thrown);
  const cause = new Error(`${code}: ${credential?.scrubText(message).text ?? message}`);
  if (deadline.aborted) return new Fault('EXECUTOR_TIMEOUT', 'the service did not answer in time', { cause });
  if (signal?.aborted === true)
    return new Fault('EXECUTOR_TIMEOUT', 'the request was stopped before its answer', { cause });
  if (!isConnected && (NOT_CONNECTED.has(code) || ENDED.has(code)))
    return new Fault('EXECUTOR_UNREACHABLE', 'no connection could be made', { cause, transient: { sent: false } });
  if (!isConnected && UNTRUSTED.test(code))
    return new Fault('EXECUTOR_UNREACHABLE', 'the certificate is not trusted', { cause });
  const known = BY_CODE[code];
  if (known !== undefined) return new Fault(...known, { cause });
  if (code.startsWith('HPE_') || code === 'HTTPParserError' || code === 'ERR_HTTP2_ERROR')
    return new Fault('EXECUTOR_BAD_ANSWER', 'the service does not speak HTTP', { cause });
  const transient = NOT_CONNECTED.has(code) || ENDED.has(code) ? { transient: { sent: true } } : {};
  return new Fault('EXECUTOR_FAILED', 'the connection ended before the answer was whole', { cause, ...transient });
}

/** The code of an error, or of the first error inside an AggregateError: Node tries several addresses. */
function codeOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return '';
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  if ('errors' in thrown && Array.isArray(thrown.errors)) return codeOf(thrown.errors[0]);
  return 'name' in thrown ? String(thrown.name) : '';
}
