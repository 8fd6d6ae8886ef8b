import type { Secret } from '#writ/redaction';
import type { Inject, InjectedRequest, SignableRequest } from './injection.js';
import { Scrubber } from './scrubber.js';

interface LeaseTerms {
  readonly name: string;
  readonly origin: string;
  /** Lower-case names of the headers that the credential goes into. */
  readonly headers: readonly string[];
  readonly inject: Inject;
  /** Every value that a service may echo: in force, earlier ones, minted ones. */
  readonly secrets: readonly Secret[];
  /** Told when a service says that the credential is not valid. */
  readonly onRejected?: () => void;
}

const UNAUTHORIZED = 401;

/** A credential for requests to one origin. It can put itself into a request and take itself out of an answer, and is shown nowhere. */
export class LeasedCredential {
  readonly name: string;
  /** The only origin that `apply` may be used for; whoever sends the request checks it. */
  readonly origin: string;
  /** Lower-case names of the headers that it goes into; a request has none of them of its own. */
  readonly headers: readonly string[];
  readonly #inject: Inject;
  readonly #secrets: readonly Secret[];
  readonly #onRejected: () => void;
  #scrubber: Scrubber;

  constructor({ name, origin, headers, inject, secrets, onRejected = () => undefined }: LeaseTerms) {
    this.name = name;
    this.origin = origin;
    this.headers = headers;
    this.#inject = inject;
    this.#secrets = secrets;
    this.#onRejected = onRejected;
    this.#scrubber = this.#scrubberOf([]);
  }

  /**
   * The request with the credential in it: the last thing that happens to a request, because what is signed must not change afterwards.
   * What was signed is known to the scrubber from then on.
   */
  async apply(request: SignableRequest): Promise<InjectedRequest> {
    const injected = await this.#inject(request);
    if (injected.signatures !== undefined) this.#scrubber = this.#scrubberOf(injected.signatures);
    return injected;
  }

  /** Hears the status of the answer: a minted token that the service does not take is not used again. */
  answered(status: number): void {
    if (status === UNAUTHORIZED) this.#onRejected();
  }

  /** Takes every value, in any of the encodings that the scrubber knows, out of bytes. */
  scrub(bytes: Buffer): { readonly bytes: Buffer; readonly found: boolean } {
    const scrubbed = this.#scrubber.scrub(bytes.toString('latin1'));
    return scrubbed.found ? { bytes: Buffer.from(scrubbed.text, 'latin1'), found: true } : { bytes, found: false };
  }

  /** The same for text, such as a header value or an error message. */
  scrubText(text: string): { readonly text: string; readonly found: boolean } {
    return this.#scrubber.scrub(text);
  }

  #scrubberOf(signatures: readonly string[]): Scrubber {
    return new Scrubber([...this.#secrets.map((each) => each.reveal()), ...signatures], `[credential:${this.name}]`);
  }
}
