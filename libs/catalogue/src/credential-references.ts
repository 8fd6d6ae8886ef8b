import { type CredentialDeclaration, credentialHeaders, tokenEndpointOf, injectionOf } from './credential-schema.js';
import { type ProviderDeclaration, providerOrigin } from './provider-schema.js';
import type { ConfigPath, FaultAt } from './yaml-source.js';

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

interface Declared {
  readonly credentials: Readonly<Record<string, CredentialDeclaration>>;
  readonly secrets: { readonly providers: Readonly<Record<string, ProviderDeclaration>> };
}

/** Checks what the schema of one credential cannot: origins and token endpoints that are exact, headers that are names. */
export function checkCredentials({ credentials, secrets }: Declared, faultAt: FaultAt): void {
  for (const [name, provider] of Object.entries(secrets.providers)) {
    const path = ['secrets', 'providers', name, 'url'];
    checkOrigin(providerOrigin(provider), path, faultAt);
    checkTransport(new URL(providerOrigin(provider)), provider.internal, (problem) => faultAt(path, problem));
  }
  for (const [name, credential] of Object.entries(credentials)) {
    const path = ['credentials', name];
    checkSource(credential, secrets.providers, (problem) => faultAt([...path, 'from'], problem));
    if (credential.inject !== undefined && (credential.header ?? credential.format) !== undefined)
      throw faultAt([...path, 'inject'], 'says how the value goes into a request, and so do `header` and `format`');
    const headers = credentialHeaders(credential);
    if (!headers.every((header) => HEADER_NAME.test(header)) || new Set(headers).size < headers.length)
      throw faultAt(
        credential.inject === undefined ? [...path, 'header'] : [...path, 'inject'],
        'is no name of a header',
      );
    credential.origins.forEach((origin, at) => checkOrigin(origin, [...path, 'origins', at], faultAt));
    checkTokenEndpoint(credential, [...path, 'inject'], faultAt);
  }
}

/** Throws when an origin is not written as it is dialled. */
export function checkOrigin(origin: string, path: ConfigPath, faultAt: FaultAt): void {
  if (!URL.canParse(origin)) throw faultAt(path, 'is no origin');
  const url = new URL(origin);
  if (url.username !== '' || url.password !== '') throw faultAt(path, 'must not name a user');
  if (url.origin !== origin) throw faultAt(path, `must be written as \`${url.origin}\``);
  if (url.hostname.endsWith('.')) throw faultAt(path, 'must not end in a dot');
}

function checkTokenEndpoint(credential: CredentialDeclaration, path: ConfigPath, faultAt: FaultAt): void {
  const injection = injectionOf(credential);
  const endpoint = tokenEndpointOf(injection);
  if (endpoint === undefined) return;
  const at = [...path, injection.kind === 'github-app' ? 'api' : 'tokenUrl'];
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || (url.href !== endpoint && url.href !== `${endpoint}/`) || url.hostname.endsWith('.'))
    throw faultAt(at, 'must be written in canonical form');
  checkTransport(url, 'internal' in injection && injection.internal, (problem) => faultAt(at, problem));
}

/** Without TLS the secret itself would be readable on the way; on this machine there is no way. */
function checkTransport(url: URL, internal: boolean, fault: (problem: string) => Error): void {
  if (url.protocol !== 'https:' && !(internal && LOOPBACK.has(url.hostname)))
    throw fault('must be https; http is for an `internal` endpoint on this machine alone');
}

function checkSource(
  { from }: CredentialDeclaration,
  providers: Declared['secrets']['providers'],
  fault: (problem: string) => Error,
): void {
  if (!('provider' in from)) return;
  const provider = Object.hasOwn(providers, from.provider) ? providers[from.provider] : undefined;
  if (provider === undefined) throw fault(`no provider \`${from.provider}\` is declared under \`secrets.providers\``);
  if (provider.kind !== 'vault') return;
  if (from.field === undefined) throw fault('a secret of a vault has several members: `field` says which one');
  // The path is part of a URL there, and would be another one.
  if (from.path.split('/').some((segment) => /^\.{1,2}$/.test(segment))) throw fault('the path has `.` or `..` in it');
}
