import { createHash } from 'node:crypto';
import type { InjectionDeclaration, LocalSource } from '#writ/catalogue';
import { Secret } from '#writ/redaction';
import type { SecretValues } from '#writ/secrets';
import { mintInstallationToken } from './github-app.js';
import { asBasic, asHmac, asSigV4, type Inject, intoHeader, intoQuery } from './injection.js';
import { mintOauthToken } from './oauth.js';
import type { MintedToken, TokenCache } from './token-cache.js';
import { type LeaseUse, refused, type SendOwn } from './token-request.js';

/** What a lease is made from. */
export interface LeaseSources {
  readonly name: string;
  readonly value: SecretValues;
  readonly use: LeaseUse;
  readonly send: SendOwn;
  readonly nowMs: () => number;
  readonly tokens: TokenCache;
  /** Reads a further value of the same credential. Throws EXECUTOR_CREDENTIAL_REFUSED. */
  readonly readOther: (from: LocalSource) => Promise<SecretValues>;
}

interface Prepared {
  readonly inject: Inject;
  readonly secrets: readonly Secret[];
  readonly onRejected?: () => void;
}

/** Makes of a value what goes into requests; mints a token where one is needed. Throws EXECUTOR_CREDENTIAL_REFUSED. */
export async function prepareLease(injection: InjectionDeclaration, sources: LeaseSources): Promise<Prepared> {
  const { name, value, nowMs } = sources;
  // A private key has line breaks and goes into no request.
  if (injection.kind === 'github-app') return minted(sources, [], () => mintInstallation(injection, sources));
  assertPrintable(name, value.current);
  const { current, previous } = value;
  const secrets = [current, ...previous].map((each) => new Secret(name, each));
  switch (injection.kind) {
    case 'header':
      // A function as replacement, because `$&` in a value would otherwise be expanded.
      return {
        inject: intoHeader(
          injection.header,
          injection.format.replace('{}', () => current),
        ),
        secrets,
      };
    case 'bearer':
      return { inject: bearer(current), secrets };
    case 'query': {
      const taken = () => refused(name, `goes into the parameter \`${injection.parameter}\`, which the request has`);
      return { inject: intoQuery(injection.parameter, current, taken), secrets };
    }
    case 'basic':
      return { inject: asBasic(injection.user, current), secrets };
    case 'hmac':
      return { inject: asHmac({ ...injection, secret: current, nowMs }), secrets };
    case 'aws-sigv4': {
      const session = injection.sessionToken && (await sources.readOther(injection.sessionToken));
      if (session !== undefined) assertPrintable(name, session.current);
      const terms = { ...injection, secretAccessKey: current, sessionToken: session?.current, nowMs };
      const other = session === undefined ? [] : [new Secret(name, session.current)];
      return { inject: asSigV4(terms), secrets: [...secrets, ...other] };
    }
    case 'oauth-client-credentials': {
      const terms = { ...sources, ...sources.use, injection, clientSecret: current, subjectToken: undefined };
      return minted(sources, secrets, () => mintOauthToken(terms));
    }
    case 'oauth-token-exchange': {
      const client = injection.clientSecret && (await sources.readOther(injection.clientSecret));
      const terms = { ...sources, ...sources.use, injection, clientSecret: client?.current, subjectToken: current };
      const other = client === undefined ? [] : [new Secret(name, client.current)];
      return minted(sources, [...secrets, ...other], () => mintOauthToken(terms));
    }
  }
}

function mintInstallation(injection: Extract<InjectionDeclaration, { kind: 'github-app' }>, sources: LeaseSources) {
  const { value, use, nowMs } = sources;
  return mintInstallationToken({ ...sources, ...use, injection, privateKey: value.current, nowMs: nowMs() });
}

/** A token, from the cache while it lives: another value of the credential is another token. */
async function minted(
  { name, value, tokens, use }: LeaseSources,
  secrets: readonly Secret[],
  mint: () => Promise<MintedToken>,
): Promise<Prepared> {
  const key = `${name} ${createHash('sha256').update(value.current).digest('hex')}`;
  const token = await tokens.get(key, mint, use.signal);
  assertToken(name, token);
  return {
    inject: bearer(token),
    secrets: [...secrets, new Secret(name, token)],
    onRejected: () => tokens.forget(key, token),
  };
}

function bearer(token: string): Inject {
  return intoHeader('authorization', `Bearer ${token}`);
}

/** A control character would end the header that a value goes into. */
function assertPrintable(name: string, value: string): void {
  if (!/^[\x20-\x7e]+$/.test(value)) throw refused(name, 'has characters that a header cannot carry');
}

/** What a token endpoint says is a token (RFC 6750), and is long enough to be told from other text in an answer. */
function assertToken(name: string, token: string): void {
  if (/^[\x21-\x7e]{8,8192}$/.test(token)) return;
  throw refused(name, 'is not there: what was minted is no token of 8 to 8192 printable characters');
}
