import type { LocalSource, ProviderDeclaration, ProviderSource } from '#writ/catalogue';
import type { SecretValues } from '#writ/secrets';
import type { TokenCache } from './token-cache.js';
import type { LeaseUse, SendOwn } from './token-request.js';

/** One question to one provider. */
export interface ProviderQuestion<D extends ProviderDeclaration> {
  /** The credential that the value is for. */
  readonly name: string;
  readonly from: ProviderSource;
  readonly declared: D;
  readonly use: LeaseUse;
  readonly send: SendOwn;
  readonly nowMs: () => number;
  readonly tokens: TokenCache;
  readonly readOther: (from: LocalSource) => Promise<SecretValues>;
}
