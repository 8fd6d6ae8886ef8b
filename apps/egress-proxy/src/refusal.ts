import { Denied, Refused, WritError } from '#writ/agent-sdk';
import { FAULTS, toFault } from '#writ/faults';

/** A request that got no answer from where it wanted to go, as its program is told. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  PROXY_UNAUTHENTICATED: 407,
  PROXY_BAD_REQUEST: 403,
  INPUT_TOO_LARGE: 413,
  INPUT_NOT_UTF8: 415,
  BUSY: 503,
  RATE_LIMITED: 429,
  INTERNAL: 500,
  EXECUTOR_TIMEOUT: 504,
  EXECUTOR_ADDRESS_REFUSED: 403,
};
/** By the class of error of the SDK: what was said no to is 403, what may be asked again later 503, what went wrong behind the proxy 502. */
const STATUS_OF_CLASS: Readonly<Record<string, number>> = {
  Denied: 403,
  NotPermitted: 403,
  Expired: 503,
  Unavailable: 503,
  Unanswered: 504,
};

/** What a program is told of whatever its request ended with. It says no more than the agent is told on the bus. */
export function refusalOf(thrown: unknown, call?: string): Refusal {
  const told = thrown instanceof WritError ? toldOfCall(thrown) : toldOfFault(thrown);
  const { code } = told;
  const status = statusOf(code, thrown);
  const waitMs = thrown instanceof Refused ? thrown.retryAfterMs : undefined;
  const body = `${JSON.stringify({ error: { ...told, ...(call !== undefined && { call }) } })}\n`;
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'writ-code': code,
      ...(call !== undefined && { 'writ-call': call }),
      ...(waitMs !== undefined && { 'retry-after': String(Math.ceil(waitMs / 1_000)) }),
      ...(status === 407 && { 'proxy-authenticate': 'Basic realm="writ"' }),
      // INVARIANT: nothing that follows a refusal on its connection is dispatched.
      connection: 'close',
    },
    body,
  };
}

function toldOfCall(error: WritError) {
  const { code, message, entry } = error;
  const remedies = error instanceof Denied && error.remedies.length > 0 ? error.remedies : undefined;
  return { code, message, ...(entry !== undefined && { entry }), ...(remedies !== undefined && { remedies }) };
}

function toldOfFault(thrown: unknown) {
  const { code, message, isToldToSender } = toFault(thrown);
  return { code, message: isToldToSender ? message : FAULTS[code].means };
}

function statusOf(code: string, thrown: unknown): number {
  const known = STATUS_OF_CODE[code];
  if (known !== undefined) return known;
  if (code.startsWith('INPUT_')) return 403;
  if (code.startsWith('LEDGER_')) return 503;
  return (thrown instanceof WritError ? STATUS_OF_CLASS[thrown.name] : undefined) ?? 502;
}

/** The refusal as the bytes of a response, for a connection that no HTTP server looks after any more. */
export function refusalBytes({ status, headers, body }: Refusal): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n${body}`;
}
