import type { Secret } from '#writ/redaction';
import { Scrubber } from './scrubber.js';

interface LeaseTerms {
  readonly name: string;
  readonly origin: string;
  readonly header: string;
  readonly format: string;
  readonly value: Secret;
}

/** A credential for requests to one origin. It can put its value into headers and take it out of an answer, and shows it nowhere. */
export class LeasedCredential {
  readonly name: string;
  /** The only origin that `apply` may be used for; whoever sends the request checks it. */
  readonly origin: string;
  /** Lower-case name of the header that the value goes into. */
  readonly header: string;
  readonly #format: string;
  readonly #value: Secret;
  readonly #scrubber: Scrubber;

  constructor({ name, origin, header, format, value }: LeaseTerms) {
    this.name = name;
    this.origin = origin;
    this.header = header.toLowerCase();
    this.#format = format;
    this.#value = value;
    this.#scrubber = new Scrubber(value.reveal(), `[credential:${name}]`);
  }

  /** The headers with the credential's own, in place of any header of that name. */
  apply(headers: Readonly<Record<string, string>>): Record<string, string> {
    const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== this.header);
    // A function as replacement, because `$&` in a value would otherwise be expanded.
    return { ...Object.fromEntries(others), [this.header]: this.#format.replace('{}', () => this.#value.reveal()) };
  }

  /** Takes the value, in any of the encodings that the scrubber knows, out of bytes. */
  scrub(bytes: Buffer): { readonly bytes: Buffer; readonly found: boolean } {
    const scrubbed = this.#scrubber.scrub(bytes.toString('latin1'));
    return scrubbed.found ? { bytes: Buffer.from(scrubbed.text, 'latin1'), found: true } : { bytes, found: false };
  }

  /** The same for text, such as a header value or an error message. */
  scrubText(text: string): { readonly text: string; readonly found: boolean } {
    return this.#scrubber.scrub(text);
  }
}
