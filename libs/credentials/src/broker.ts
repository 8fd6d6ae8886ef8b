import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CredentialDeclaration } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import { Secret } from '#writ/redaction';
import { LeasedCredential } from './leased-credential.js';

/** A shorter value could not be told from ordinary text in an answer. */
const VALUE_CHARACTERS_MIN = 8;
const VALUE_CHARACTERS_MAX = 8_192;

/** Where values come from. */
interface CredentialSources {
  readonly env: (name: string) => string | undefined;
  readonly readFile: (path: string) => Promise<string>;
}

/** The environment and the disk of this process; a relative file is one beside the configuration. */
export function processSources(baseDirectory = '.'): CredentialSources {
  return {
    env: (name) => process.env[name],
    readFile: (path) => readFile(resolve(baseDirectory, path), 'utf8'),
  };
}

/**
 * Hands out credentials for one request at a time. A credential goes only to the origins in its own record, whatever a request
 * or a tool asks for. The value is read anew for every lease, so a rotated file counts at once, and leaves only in a header.
 */
export class CredentialBroker {
  readonly #declarations: ReadonlyMap<string, CredentialDeclaration>;
  readonly #sources: CredentialSources;

  constructor(
    declarations: Readonly<Record<string, CredentialDeclaration>>,
    sources: CredentialSources = processSources(),
  ) {
    this.#declarations = new Map(Object.entries(declarations));
    this.#sources = sources;
  }

  /** The names that can be leased, for health checks and heartbeats. */
  get names(): readonly string[] {
    return [...this.#declarations.keys()];
  }

  /**
   * Leases the credential for an origin (`https://host[:port]`). Throws EXECUTOR_CREDENTIAL_REFUSED when the record does not
   * list exactly that origin, so a plaintext origin works only where the record says so, or when there is no usable value.
   */
  async lease(name: string, origin: string): Promise<LeasedCredential> {
    const declaration = this.#declarations.get(name);
    if (declaration === undefined) throw refused(name, 'is not declared');
    const canonical = canonicalOrigin(origin);
    if (canonical === undefined || !declaration.origins.some((listed) => canonicalOrigin(listed) === canonical)) {
      throw refused(name, 'is not for that origin');
    }
    const value = await this.#read(name, declaration);
    const { header, format } = declaration;
    return new LeasedCredential({ name, origin: canonical, header, format, value: new Secret(name, value) });
  }

  async #read(name: string, { from }: CredentialDeclaration): Promise<string> {
    const value = 'env' in from ? this.#sources.env(from.env) : await this.#readFile(name, from.file);
    if (value === undefined) throw refused(name, 'has no value');
    const trimmed = value.replace(/[\r\n]{1,2}$/, '');
    if (trimmed.length < VALUE_CHARACTERS_MIN) throw refused(name, `has fewer than ${VALUE_CHARACTERS_MIN} characters`);
    if (trimmed.length > VALUE_CHARACTERS_MAX) throw refused(name, `has more than ${VALUE_CHARACTERS_MAX} characters`);
    // A control character would end the header that the value goes into.
    if (!/^[\x20-\x7e]+$/.test(trimmed)) throw refused(name, 'has characters that a header cannot carry');
    return trimmed;
  }

  async #readFile(name: string, path: string): Promise<string> {
    try {
      return await this.#sources.readFile(path);
    } catch {
      // The cause is dropped: whatever failed while reading a secret file may quote it.
      throw refused(name, 'cannot be read from its file');
    }
  }
}

function canonicalOrigin(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url === undefined || url.origin === 'null' ? undefined : url.origin;
}

function refused(name: string, why: string): Fault {
  return new Fault('EXECUTOR_CREDENTIAL_REFUSED', `the credential \`${name.slice(0, 64)}\` ${why}`);
}
