import { Fault, toFault } from '#writ/faults';
import type { LeasedCredential } from './leased-credential.js';

/** A credential that went out, and whether the answer held it (it was scrubbed then). A refused answer is not searched. */
export interface CredentialUse {
  readonly name: string;
  readonly origin: string;
  readonly echoed: boolean;
}

/** For whom a lease is: the command that is carried out. */
export interface LeaseUse {
  /** Stops a token from being waited for. */
  readonly signal?: AbortSignal | undefined;
  /** Told of each request that carried the credential on the way to a lease, such as one to a token endpoint. */
  readonly onCredentialSent?: ((use: CredentialUse) => void) | undefined;
}

/** A request of Writ's own, to a token endpoint or to a provider of secrets. */
export interface OwnRequest extends LeaseUse {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly internal: boolean;
  readonly timeoutMs: number;
  readonly responseBytesMax: number;
  readonly credential: LeasedCredential;
}

/** What came back; the credential of the request has been taken out. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Writ's guarded outbound path. Throws Faults with EXECUTOR_* codes. */
export type SendOwn = (request: OwnRequest) => Promise<OwnAnswer>;

/** For a whole request to a token endpoint or a provider. */
const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 65_536;

/** The fault when a credential cannot be had. `why` ends a sentence that begins with its name, and never quotes a value or an answer. */
export function refused(name: string, why: string): Fault {
  return new Fault('EXECUTOR_CREDENTIAL_REFUSED', `the credential \`${name.slice(0, 64)}\` ${why}`);
}

/**
 * Sends, and says of a failure only that the place could not be used and the code: what failed may quote what was sent. A request that
 * was stopped stays stopped.
 */
export async function sendOwn(
  send: SendOwn,
  request: Omit<OwnRequest, 'timeoutMs' | 'responseBytesMax'>,
  what: string,
): Promise<OwnAnswer> {
  try {
    return await send({ ...request, timeoutMs: TIMEOUT_MS, responseBytesMax: ANSWER_BYTES_MAX });
  } catch (error) {
    request.signal?.throwIfAborted();
    throw refused(request.credential.name, `is not there: ${what} could not be used (${toFault(error).code})`);
  }
}
