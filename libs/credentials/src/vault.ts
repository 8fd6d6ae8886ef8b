import type { ProviderOf } from '#writ/catalogue';
import { parse } from '#writ/contracts';
import { Secret } from '#writ/redaction';
import { z } from 'zod';
import { type Inject, intoHeader, intoNothing } from './injection.js';
import { LeasedCredential } from './leased-credential.js';
import type { ProviderQuestion } from './provider-question.js';
import type { MintedToken } from './token-cache.js';
import { refused, sendOwn } from './token-request.js';

const OK = 200;
const FORBIDDEN = 403;

const KvSecret = z.object({ data: z.object({ data: z.record(z.string(), z.unknown()) }) });
const Login = z.object({ auth: z.object({ client_token: z.string().min(1), lease_duration: z.number().min(0) }) });

type VaultQuestion = ProviderQuestion<ProviderOf<'vault'>>;

/**
 * One member of a secret of HashiCorp Vault or OpenBao, KV version 2, with a token or after an AppRole login. Throws
 * EXECUTOR_CREDENTIAL_REFUSED; nothing that the server said is told but its status.
 */
export async function readVault(question: VaultQuestion): Promise<string> {
  const { name, from, declared } = question;
  const { key, token } = await tokenOf(question);
  const path = from.path.split('/').map(encodeURIComponent).join('/');
  const answer = await ask(question, `/v1/${declared.mount}/data/${path}`, {
    method: 'GET',
    inject: intoHeader('x-vault-token', token),
    secret: token,
  });
  // A token can end before its time; the next request logs in again.
  if (answer.status === FORBIDDEN && key !== undefined) question.tokens.forget(key, token);
  if (answer.status !== OK) throw unread(question, `status ${answer.status}`);
  const members = new Map(Object.entries(membersIn(question, answer.body)));
  const value = members.get(from.field ?? '');
  if (typeof value !== 'string')
    throw refused(name, `is not there: the secret in \`${from.provider}\` has no such text`);
  return value;
}

function membersIn(question: VaultQuestion, body: Buffer): Record<string, unknown> {
  try {
    return parse(KvSecret, JSON.parse(body.toString('utf8')), 'EXECUTOR_BAD_ANSWER').data.data;
  } catch {
    // The cause is dropped: it may quote the answer.
    throw unread(question, 'no secret of KV version 2');
  }
}

/** The token that reads, and under which key it is kept when it came by a login. */
async function tokenOf(question: VaultQuestion): Promise<{ readonly token: string; readonly key?: string }> {
  const { declared, from, tokens, use, readOther } = question;
  if ('token' in declared.auth) return { token: (await readOther(declared.auth.token)).current };
  const { roleId, method } = declared.auth;
  const secretId = (await readOther(declared.auth.secretId)).current;
  const key = `login ${from.provider}`;
  return { key, token: await tokens.get(key, () => logIn(question, { roleId, secretId, method }), use.signal) };
}

async function logIn(
  question: VaultQuestion,
  { roleId, secretId, method }: { readonly roleId: string; readonly secretId: string; readonly method: string },
): Promise<MintedToken> {
  const askedMs = question.nowMs();
  const answer = await ask(question, `/v1/auth/${method}/login`, {
    method: 'POST',
    body: JSON.stringify({ role_id: roleId, secret_id: secretId }),
    inject: intoNothing,
    secret: secretId,
  });
  if (answer.status !== OK) throw unread(question, `status ${answer.status} to the login`);
  try {
    const { auth } = parse(Login, JSON.parse(answer.body.toString('utf8')), 'EXECUTOR_BAD_ANSWER');
    // A lease of 0 never ends; it is asked for anew all the same.
    const lifeMs = auth.lease_duration === 0 ? Infinity : auth.lease_duration * 1000;
    return { token: auth.client_token, endsMs: askedMs + lifeMs };
  } catch {
    // The cause is dropped: it may quote the token.
    throw unread(question, 'no token to the login');
  }
}

interface VaultRequest {
  readonly method: string;
  readonly body?: string;
  readonly inject: Inject;
  /** What it carries. */
  readonly secret: string;
}

function ask(
  { name, from, declared, send, use }: VaultQuestion,
  path: string,
  { method, body, inject, secret }: VaultRequest,
) {
  const credential = new LeasedCredential({
    name,
    origin: declared.url,
    headers: ['x-vault-token'],
    inject,
    secrets: [new Secret(name, secret)],
  });
  const headers = {
    accept: 'application/json',
    'x-vault-request': 'true',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(declared.namespace !== undefined && { 'x-vault-namespace': declared.namespace }),
  };
  const url = `${declared.url}${path}`;
  return sendOwn(
    send,
    { ...use, url, method, headers, body, internal: declared.internal, credential },
    `\`${from.provider}\``,
  );
}

function unread({ name, from }: VaultQuestion, what: string): Error {
  return refused(name, `is not there: \`${from.provider}\` answered with ${what}`);
}
