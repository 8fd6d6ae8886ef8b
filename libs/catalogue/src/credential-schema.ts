import { z } from 'zod';
import { LocalSource, ProviderSource } from './provider-schema.js';
import { Origin, Word } from './schema-parts.js';

/** Several words with one blank between them. */
const Scope = z
  .string()
  .regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/, 'must be words with one blank between them')
  .max(1024);

/** A token endpoint of OAuth 2.0. */
const tokenEndpoint = {
  tokenUrl: z
    .string()
    .max(2048)
    .regex(/^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/, 'must be a URL without a query'),
  /** Declares that the endpoint lies in a private or loopback network. */
  internal: z.boolean().default(false),
  clientId: Word,
  /** How the client authenticates: HTTP Basic, or in the body. */
  clientAuth: z.enum(['basic', 'post']).default('basic'),
  scope: Scope.optional(),
  audience: Word.optional(),
  resource: z.url().max(2048).optional(),
};

/** How a value goes into a request, or what is made of it first. */
const Injection = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('header'),
    header: z.string().default('authorization'),
    /** `{}` is replaced by the value. */
    format: z.string().includes('{}').default('Bearer {}'),
  }),
  z.strictObject({ kind: z.literal('bearer') }),
  z.strictObject({ kind: z.literal('query'), parameter: z.string().regex(/^[A-Za-z0-9_.~-]{1,64}$/) }),
  z.strictObject({
    kind: z.literal('basic'),
    user: z.string().regex(/^[\x20-\x39\x3b-\x7e]{0,256}$/, 'must be printable ASCII without a colon'),
  }),
  z.strictObject({
    kind: z.literal('hmac'),
    header: z.string().default('x-signature'),
    /** Header with the time, in seconds since 1970, that is signed too. */
    timeHeader: z.string().default('x-signature-time'),
    hash: z.enum(['sha256', 'sha512']).default('sha256'),
  }),
  z.strictObject({
    kind: z.literal('aws-sigv4'),
    accessKeyId: z.string().regex(/^[A-Za-z0-9]{16,128}$/),
    region: z.string().regex(/^[a-z0-9-]{1,64}$/),
    service: z.string().regex(/^[a-z0-9-]{1,64}$/),
    sessionToken: LocalSource.optional(),
  }),
  z.strictObject({ kind: z.literal('oauth-client-credentials'), ...tokenEndpoint }),
  z.strictObject({
    kind: z.literal('oauth-token-exchange'),
    ...tokenEndpoint,
    /** Absent: a public client. */
    clientSecret: LocalSource.optional(),
    subjectTokenType: z
      .string()
      .regex(/^urn:[\x21-\x7e]{1,200}$/)
      .default('urn:ietf:params:oauth:token-type:access_token'),
  }),
  z.strictObject({
    kind: z.literal('github-app'),
    appId: Word,
    installationId: z.string().regex(/^[0-9]{1,20}$/),
    api: Origin.default('https://api.github.com'),
    internal: z.boolean().default(false),
    repositories: z.array(Word).min(1).max(500).optional(),
    permissions: z.record(z.string().regex(/^[a-z_]{1,64}$/), z.enum(['read', 'write', 'admin'])).optional(),
  }),
]);

/** Where the value of a credential comes from and where it may go. The value itself is never in the configuration. */
export const Credential = z.strictObject({
  from: z.union([LocalSource, ProviderSource]),
  origins: z.array(Origin).min(1),
  inject: Injection.optional(),
  /** As `inject: { kind: header }` has them; either those or these. */
  header: z.string().optional(),
  format: z.string().includes('{}').optional(),
});

export type CredentialDeclaration = Readonly<z.infer<typeof Credential>>;
export type InjectionDeclaration = Readonly<z.infer<typeof Injection>>;
export type InjectionOf<K extends InjectionDeclaration['kind']> = Extract<InjectionDeclaration, { readonly kind: K }>;

/** How the value of a credential goes into a request: as it says, or into a header. */
export function injectionOf({ inject, header, format }: CredentialDeclaration): InjectionDeclaration {
  return inject ?? { kind: 'header', header: header ?? 'authorization', format: format ?? 'Bearer {}' };
}

/** Names of the headers that a credential goes into, in lower case: no request may have them of its own. */
export function credentialHeaders(declaration: CredentialDeclaration): readonly string[] {
  const injection = injectionOf(declaration);
  switch (injection.kind) {
    case 'header':
      return [injection.header.toLowerCase()];
    case 'query':
      return [];
    case 'hmac':
      return [injection.header.toLowerCase(), injection.timeHeader.toLowerCase()];
    case 'aws-sigv4':
      return ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'];
    case 'basic':
    case 'bearer':
    case 'oauth-client-credentials':
    case 'oauth-token-exchange':
    case 'github-app':
      return ['authorization'];
  }
}

/** Every place that is read for a credential. */
export function sourcesOf({ from, inject }: CredentialDeclaration): readonly CredentialDeclaration['from'][] {
  if (inject?.kind === 'aws-sigv4' && inject.sessionToken !== undefined) return [from, inject.sessionToken];
  if (inject?.kind === 'oauth-token-exchange' && inject.clientSecret !== undefined) return [from, inject.clientSecret];
  return [from];
}

/** Where a token is asked for, when one is; the only place that the value itself goes to then. */
export function tokenEndpointOf(injection: InjectionDeclaration): string | undefined {
  switch (injection.kind) {
    case 'oauth-client-credentials':
    case 'oauth-token-exchange':
      return injection.tokenUrl;
    case 'github-app':
      return `${injection.api}/app/installations/${injection.installationId}/access_tokens`;
    case 'header':
    case 'bearer':
    case 'query':
    case 'basic':
    case 'hmac':
    case 'aws-sigv4':
      return undefined;
  }
}
