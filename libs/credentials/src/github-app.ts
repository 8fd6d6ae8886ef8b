import { createPrivateKey, sign } from 'node:crypto';
import { type InjectionOf, tokenEndpointOf } from '#writ/catalogue';
import { parse } from '#writ/contracts';
import { Secret } from '#writ/redaction';
import { z } from 'zod';
import { intoHeader } from './injection.js';
import { LeasedCredential } from './leased-credential.js';
import type { MintedToken } from './token-cache.js';
import { type LeaseUse, refused, type SendOwn, sendOwn } from './token-request.js';

/** GitHub takes a JWT of at most ten minutes; it is backdated by one, because clocks differ. */
const JWT_BACKDATED_S = 60;
const JWT_LIFE_S = 540;
const CREATED = 201;

const InstallationToken = z.object({ token: z.string(), expires_at: z.iso.datetime({ offset: true }) });

interface GithubTerms extends LeaseUse {
  readonly name: string;
  readonly injection: InjectionOf<'github-app'>;
  /** PEM of the private key of the App. */
  readonly privateKey: string;
  readonly send: SendOwn;
  readonly nowMs: number;
}

/**
 * An installation token of a GitHub App, for the repositories and permissions that the record names. The private key stays here: what is
 * sent is a JWT that it signed. Throws EXECUTOR_CREDENTIAL_REFUSED.
 */
export async function mintInstallationToken(terms: GithubTerms): Promise<MintedToken> {
  const { name, injection, send, signal, onCredentialSent } = terms;
  const jwt = jwtOf(terms);
  const url = tokenEndpointOf(injection) ?? '';
  const { repositories, permissions } = injection;
  const credential = new LeasedCredential({
    name,
    origin: injection.api,
    headers: ['authorization'],
    inject: intoHeader('authorization', `Bearer ${jwt}`),
    secrets: [new Secret(name, jwt)],
  });
  const request = {
    url,
    method: 'POST',
    headers: { accept: 'application/vnd.github+json', 'content-type': 'application/json', 'user-agent': 'writ' },
    body: JSON.stringify({ repositories, permissions }),
    internal: injection.internal,
    credential,
    signal,
    onCredentialSent,
  };
  const { status, body } = await sendOwn(send, request, 'the API of GitHub');
  if (status !== CREATED) throw refused(name, `is not there: the API of GitHub answered with status ${status}`);
  try {
    const answer = parse(InstallationToken, JSON.parse(body.toString('utf8')), 'EXECUTOR_BAD_ANSWER');
    return { token: answer.token, endsMs: Date.parse(answer.expires_at) };
  } catch {
    // The cause is dropped: it may quote the token.
    throw refused(name, 'is not there: the API of GitHub answered with no token');
  }
}

function jwtOf({ name, injection: { appId }, privateKey, nowMs }: GithubTerms): string {
  const seconds = Math.floor(nowMs / 1000);
  const claims = { iat: seconds - JWT_BACKDATED_S, exp: seconds + JWT_LIFE_S, iss: appId };
  const signed = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  try {
    const key = createPrivateKey(privateKey);
    if (key.asymmetricKeyType !== 'rsa') throw new Error('no RSA key');
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
  } catch {
    // The cause is dropped: it is about a private key.
    throw refused(name, 'is no RSA private key in PEM');
  }
}
