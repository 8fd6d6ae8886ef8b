import {
  type CredentialDeclaration,
  credentialHeaders,
  injectionOf,
  type LocalSource,
  type ProviderDeclaration,
} from '#writ/catalogue';
import { Fault } from '#writ/faults';
import type { SecretValues } from '#writ/secrets';
import { LeasedCredential } from './leased-credential.js';
import { prepareLease } from './prepare-lease.js';
import { ProviderValues } from './provider-values.js';
import { type CredentialSources, processSources, readLocal, usable } from './sources.js';
import { TokenCache } from './token-cache.js';
import { type LeaseUse, refused, type SendOwn } from './token-request.js';

interface BrokerPorts {
  /** Other systems that hold values, by name. */
  readonly providers?: Readonly<Record<string, ProviderDeclaration>>;
  /** Absent: no token can be minted. */
  readonly send?: SendOwn;
  readonly nowMs?: () => number;
}

/**
 * Hands out credentials for one request at a time. A credential goes only to the origins in its own record, whatever a request
 * or a tool asks for. The value is read anew for every lease, so a rotated file counts at once, and leaves only in a request.
 */
export class CredentialBroker {
  readonly #declarations: ReadonlyMap<string, CredentialDeclaration>;
  readonly #sources: CredentialSources;
  readonly #send: SendOwn;
  readonly #nowMs: () => number;
  readonly #tokens: TokenCache;
  readonly #providers: ProviderValues;

  constructor(
    declarations: Readonly<Record<string, CredentialDeclaration>>,
    sources: CredentialSources = processSources(),
    { send = nowhere, nowMs = Date.now, providers = {} }: BrokerPorts = {},
  ) {
    this.#declarations = new Map(Object.entries(declarations));
    this.#sources = sources;
    this.#send = send;
    this.#nowMs = nowMs;
    this.#tokens = new TokenCache(nowMs);
    const readLocally = (name: string, from: LocalSource) => this.#read(name, from);
    this.#providers = new ProviderValues(providers, { send, nowMs, readLocal: readLocally });
  }

  /** The names that can be leased, for health checks and heartbeats. */
  get names(): readonly string[] {
    return [...this.#declarations.keys()];
  }

  /**
   * Leases the credential for an origin (`https://host[:port]`), to whoever carries out a command that the ledger has. Throws
   * EXECUTOR_CREDENTIAL_REFUSED when the record does not list exactly that origin, so a plaintext origin works only where the record says
   * so, and when there is no usable value or token.
   */
  async lease(name: string, origin: string, use: LeaseUse = {}): Promise<LeasedCredential> {
    const declaration = this.#declarations.get(name);
    if (declaration === undefined) throw refused(name, 'is not declared');
    const canonical = canonicalOrigin(origin);
    if (canonical === undefined || !declaration.origins.some((listed) => canonicalOrigin(listed) === canonical)) {
      throw refused(name, 'is not for that origin');
    }
    const prepared = await prepareLease(injectionOf(declaration), {
      name,
      use,
      value: await this.#valueOf(name, declaration, use),
      send: this.#send,
      nowMs: this.#nowMs,
      tokens: this.#tokens,
      readOther: (from) => this.#read(name, from),
    });
    return new LeasedCredential({ name, origin: canonical, headers: credentialHeaders(declaration), ...prepared });
  }

  async #valueOf(name: string, { from }: CredentialDeclaration, use: LeaseUse): Promise<SecretValues> {
    if (!('provider' in from)) return this.#read(name, from);
    const read = usable(await this.#providers.read(name, from, use));
    if ('problem' in read) throw refused(name, read.problem);
    return read;
  }

  async #read(name: string, from: LocalSource): Promise<SecretValues> {
    const read = await readLocal(from, this.#sources);
    if ('problem' in read) throw refused(name, read.problem);
    return read;
  }
}

function nowhere(): Promise<never> {
  return Promise.reject(new Fault('EXECUTOR_UNREACHABLE', 'there is no way out'));
}

function canonicalOrigin(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url === undefined || url.origin === 'null' ? undefined : url.origin;
}
