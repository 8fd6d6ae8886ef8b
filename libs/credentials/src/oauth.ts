import type { InjectionOf } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import { Secret } from '#writ/redaction';
import type * as Oauth from 'oauth4webapi';
import { type Inject, intoHeader, intoNothing } from './injection.js';
import { LeasedCredential } from './leased-credential.js';
import type { MintedToken } from './token-cache.js';
import { type LeaseUse, refused, type SendOwn, sendOwn } from './token-request.js';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** What RFC 6749 and RFC 8693 have an endpoint say. Anything else is text that it chose. */
const ERRORS: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
]);

interface OauthTerms extends LeaseUse {
  readonly name: string;
  readonly injection: InjectionOf<'oauth-client-credentials'> | InjectionOf<'oauth-token-exchange'>;
  /** Of the client; a public client has none. */
  readonly clientSecret: string | undefined;
  /** Of an exchange: the token that stands for whoever is acted for. */
  readonly subjectToken: string | undefined;
  readonly send: SendOwn;
  readonly nowMs: () => number;
}

/**
 * An access token by the client credentials grant (RFC 6749, 4.4), or by token exchange (RFC 8693) when there is a subject token. Secrets go to
 * the declared endpoint alone, by Writ's own outbound path. Throws EXECUTOR_CREDENTIAL_REFUSED.
 */
export async function mintOauthToken(terms: OauthTerms): Promise<MintedToken> {
  // Loaded when a token is minted: most deployments mint none.
  const oauth = await import('oauth4webapi');
  const { name, injection, signal, nowMs } = terms;
  const server = { issuer: new URL(injection.tokenUrl).origin, token_endpoint: injection.tokenUrl };
  const client = { client_id: injection.clientId };
  const options = {
    [oauth.customFetch]: outboundFetch(terms),
    // Only an endpoint on this machine can be declared without TLS.
    [oauth.allowInsecureRequests]: injection.tokenUrl.startsWith('http:'),
  };
  const askedMs = nowMs();
  try {
    const [grant, parameters] = grantOf(terms);
    const answer = await oauth.genericTokenEndpointRequest(
      server,
      client,
      authenticationOf(oauth, terms),
      grant,
      parameters,
      options,
    );
    const {
      access_token: token,
      token_type: type,
      expires_in: seconds,
    } = await oauth.processGenericTokenEndpointResponse(server, client, answer);
    // RFC 8693 has `N_A` for what is no access token; any other type goes into a request in another way.
    if (type !== 'bearer')
      throw refused(name, 'is not there: the token endpoint answered with a token that is no bearer token');
    return { token, endsMs: seconds === undefined ? undefined : askedMs + seconds * 1000 };
  } catch (error) {
    signal?.throwIfAborted();
    throw faultOf(error, oauth, name);
  }
}

function grantOf({
  injection,
  subjectToken,
}: OauthTerms): readonly [grant: string, parameters: Record<string, string>] {
  const { scope, audience, resource } = injection;
  const wanted = Object.entries({ scope, audience, resource }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  const common = Object.fromEntries(wanted);
  if (injection.kind === 'oauth-client-credentials' || subjectToken === undefined)
    return ['client_credentials', common];
  return [TOKEN_EXCHANGE, { ...common, subject_token: subjectToken, subject_token_type: injection.subjectTokenType }];
}

function authenticationOf(oauth: typeof Oauth, { injection, clientSecret }: OauthTerms): Oauth.ClientAuth {
  if (clientSecret === undefined) return oauth.None();
  return injection.clientAuth === 'basic'
    ? oauth.ClientSecretBasic(clientSecret)
    : oauth.ClientSecretPost(clientSecret);
}

/** A `fetch` that is Writ's own outbound path, with what authenticates the client as a credential that goes to this endpoint alone. */
function outboundFetch({ name, injection, clientSecret, subjectToken, ...terms }: OauthTerms) {
  const { send, signal, onCredentialSent } = terms;
  return async (
    url: string,
    { body, headers }: Oauth.CustomFetchOptions<'POST', URLSearchParams>,
  ): Promise<Response> => {
    const { authorization, ...others } = headers;
    const inject: Inject = authorization === undefined ? intoNothing : intoHeader('authorization', authorization);
    const secrets = [clientSecret, subjectToken].flatMap((value) => (value === undefined ? [] : formsOf(value)));
    const credential = new LeasedCredential({
      name,
      origin: new URL(injection.tokenUrl).origin,
      headers: ['authorization'],
      inject,
      secrets: secrets.map((value) => new Secret(name, value)),
    });
    const request = {
      url,
      method: 'POST',
      headers: others,
      body: body.toString(),
      internal: injection.internal,
      credential,
      signal,
      onCredentialSent,
    };
    const answer = await sendOwn(send, request, 'the token endpoint');
    const { status } = answer;
    // A `Response` takes no body for these; none of them is a token.
    const hasBody = ![204, 205, 304].includes(status);
    return new Response(hasBody ? new Uint8Array(answer.body) : null, { status, headers: answer.headers });
  };
}

/** As it is, and as OAuth writes it into a Basic header before that is encoded. */
function formsOf(value: string): readonly string[] {
  const form = new URLSearchParams({ v: value }).toString().slice(2);
  return form === value ? [value] : [value, form];
}

function faultOf(error: unknown, oauth: typeof Oauth, name: string): Error {
  if (error instanceof Fault) return error;
  if (error instanceof oauth.ResponseBodyError) {
    const said = ERRORS.has(error.error) ? ` \`${error.error}\`` : '';
    return refused(name, `is not there: the token endpoint answered with status ${error.status}${said}`);
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return refused(name, `is not there: the token endpoint answered with status ${error.status}`);
  // The cause is dropped: it may quote the answer.
  return refused(name, 'is not there: the token endpoint answered with no token');
}
