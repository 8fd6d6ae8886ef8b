import { type ProviderOf, providerOrigin } from '#writ/catalogue';
import { parse } from '#writ/contracts';
import { Secret } from '#writ/redaction';
import { z } from 'zod';
import { asSigV4 } from './injection.js';
import { LeasedCredential } from './leased-credential.js';
import type { ProviderQuestion } from './provider-question.js';
import { refused, sendOwn } from './token-request.js';

const OK = 200;
const SecretValue = z.object({ SecretString: z.string() });

/**
 * A secret of AWS Secrets Manager (GetSecretValue), or one member of it when it is a JSON object. Throws EXECUTOR_CREDENTIAL_REFUSED; nothing
 * that the server said is told but its status.
 */
export async function readAwsSecret(question: ProviderQuestion<ProviderOf<'aws-secrets-manager'>>): Promise<string> {
  const { name, from, declared, send, use, nowMs } = question;
  const secretAccessKey = (await question.readOther(declared.secretAccessKey)).current;
  const sessionToken = declared.sessionToken && (await question.readOther(declared.sessionToken)).current;
  const { accessKeyId, region, internal } = declared;
  const origin = providerOrigin(declared);
  const credential = new LeasedCredential({
    name,
    origin,
    headers: ['authorization', 'x-amz-date', 'x-amz-security-token'],
    inject: asSigV4({ accessKeyId, secretAccessKey, sessionToken, region, service: 'secretsmanager', nowMs }),
    secrets: [secretAccessKey, sessionToken].flatMap((value) => (value === undefined ? [] : [new Secret(name, value)])),
  });
  const request = {
    ...use,
    url: `${origin}/`,
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.GetSecretValue' },
    body: JSON.stringify({ SecretId: from.path }),
    internal,
    credential,
  };
  const answer = await sendOwn(send, request, `\`${from.provider}\``);
  const unread = (what: string) => refused(name, `is not there: \`${from.provider}\` answered with ${what}`);
  if (answer.status !== OK) throw unread(`status ${answer.status}`);
  const value = valueIn(answer.body, from.field);
  if (value === undefined) throw unread('no such text');
  return value;
}

function valueIn(body: Buffer, field: string | undefined): string | undefined {
  try {
    const { SecretString: text } = parse(SecretValue, JSON.parse(body.toString('utf8')), 'EXECUTOR_BAD_ANSWER');
    if (field === undefined) return text;
    const members = parse(z.record(z.string(), z.unknown()), JSON.parse(text), 'EXECUTOR_BAD_ANSWER');
    const value = new Map(Object.entries(members)).get(field);
    return typeof value === 'string' ? value : undefined;
  } catch {
    // The cause is dropped: it may quote the value.
    return undefined;
  }
}
