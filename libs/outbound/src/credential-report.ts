import type { CredentialUse, LeasedCredential } from '#writ/credentials';

interface CredentialReportOptions {
  readonly credential?: LeasedCredential | undefined;
  readonly onCredentialSent?: ((use: CredentialUse) => void) | undefined;
}

/** Tells once that the credential of a request has, or may have, left this process. Without a connection it cannot have. */
export class CredentialReport {
  #isConnected = false;
  #isTold = false;
  #isEchoed = false;

  constructor(private readonly options: CredentialReportOptions) {}

  /** A connection was made: the request, and the credential in it, goes out at once. */
  connected(): void {
    this.#isConnected = true;
  }

  /** Whether a connection was made. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** The service sent the credential back, in what came so far. */
  echoed(): void {
    this.#isEchoed = true;
  }

  /** The request ended, by its answer or otherwise. Only the first end counts. */
  ended(): void {
    const { credential, onCredentialSent } = this.options;
    if (credential === undefined || !this.#isConnected || this.#isTold) return;
    this.#isTold = true;
    onCredentialSent?.({ name: credential.name, origin: credential.origin, echoed: this.#isEchoed });
  }
}
