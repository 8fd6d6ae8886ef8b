import type { LocalSource, ProviderDeclaration, ProviderSource } from '#writ/catalogue';
import type { SecretValues } from '#writ/secrets';
import { readAwsSecret } from './aws-secrets.js';
import { TokenCache } from './token-cache.js';
import { type LeaseUse, refused, type SendOwn } from './token-request.js';
import { readVault } from './vault.js';

interface ProviderPorts {
  readonly send: SendOwn;
  readonly nowMs: () => number;
  /** Reads what a provider is asked with, for the credential of that name. Throws EXECUTOR_CREDENTIAL_REFUSED. */
  readonly readLocal: (name: string, from: LocalSource) => Promise<SecretValues>;
}

/** Values of other systems, each used for as long as its provider says, and the one before it known for scrubbing. */
export class ProviderValues {
  readonly #declared: ReadonlyMap<string, ProviderDeclaration>;
  readonly #values: TokenCache;
  readonly #tokens: TokenCache;
  readonly #seen = new Map<string, SecretValues>();

  constructor(
    declared: Readonly<Record<string, ProviderDeclaration>>,
    private readonly ports: ProviderPorts,
  ) {
    this.#declared = new Map(Object.entries(declared));
    this.#values = new TokenCache(ports.nowMs);
    this.#tokens = new TokenCache(ports.nowMs);
  }

  /** The value for a credential, and the one that it replaced while this process ran. Throws EXECUTOR_CREDENTIAL_REFUSED. */
  async read(name: string, from: ProviderSource, use: LeaseUse): Promise<SecretValues> {
    const declared = this.#declared.get(from.provider);
    if (declared === undefined) throw refused(name, 'is of a provider that is not declared');
    const key = JSON.stringify([from.provider, from.path, from.field]);
    const current = await this.#values.get(key, () => this.#ask(name, from, declared, use), use.signal);
    return this.#remember(key, current);
  }

  async #ask(name: string, from: ProviderSource, declared: ProviderDeclaration, use: LeaseUse) {
    const { send, nowMs, readLocal } = this.ports;
    const readOther = (other: LocalSource) => readLocal(name, other);
    const question = { name, from, use, send, nowMs, tokens: this.#tokens, readOther };
    const token =
      declared.kind === 'vault'
        ? await readVault({ ...question, declared })
        : await readAwsSecret({ ...question, declared });
    const { cacheSeconds } = declared;
    return { token, endsMs: cacheSeconds === 0 ? undefined : nowMs() + cacheSeconds * 1000 };
  }

  #remember(key: string, current: string): SecretValues {
    const seen = this.#seen.get(key);
    if (seen?.current === current) return seen;
    const now = { current, previous: seen === undefined ? [] : [seen.current] };
    this.#seen.set(key, now);
    return now;
  }
}
