import type { CredentialUse, LeasedCredential } from '#writ/credentials';

interface CredentialReportOptions {
  readonly credential?: LeasedCredential | undefined;
  readonly onCredentialSent?: ((use: CredentialUse) => void) | undefined;
}

/** Tells once that the credential of a request has, or may have, left this process. Without a connection it cannot have. */
export class CredentialReport {
  #isConnected = false;
  #isTold = false;

  constructor(private readonly options: CredentialReportOptions) {}

  /** A connection was made: the request, and the credential in it, goes out at once. */
  connected(): void {
    this.#isConnected = true;
  }

  /** The request ended, by its answer or otherwise. Only the first end counts. */
  ended(echoed: boolean): void {
    const { credential, onCredentialSent } = this.options;
    if (credential === undefined || !this.#isConnected || this.#isTold) return;
    this.#isTold = true;
    onCredentialSent?.({ name: credential.name, origin: credential.origin, echoed });
  }
}
