import { createHash, createHmac } from 'node:crypto';

/** A request as it is about to be sent: everything in it has been decided and rewritten already. */
export interface SignableRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
}

/** Where the request goes and with which headers, the credential among them. */
export interface InjectedRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  /** What was made for this request alone and is taken out of its answer too. */
  readonly signatures?: readonly string[];
}

/** Puts a credential into a request. */
export type Inject = (request: SignableRequest) => Promise<InjectedRequest>;

/** Into one header, in place of any header of that name. */
export function intoHeader(header: string, text: string): Inject {
  return ({ url, headers }) =>
    Promise.resolve({ url, headers: withHeaders(headers, { [header.toLowerCase()]: text }) });
}

/** HTTP Basic (RFC 7617). */
export function asBasic(user: string, secret: string): Inject {
  return intoHeader('authorization', `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`);
}

/** Nowhere: it is in the body already, or nothing is to be put in. What comes back is scrubbed of it all the same. */
export const intoNothing: Inject = ({ url, headers }) => Promise.resolve({ url, headers: { ...headers } });

/** Into the query, behind what is there. Rejects when the request has a parameter of that name: services differ on which one counts. */
export function intoQuery(parameter: string, secret: string, onTaken: () => Error): Inject {
  return ({ url, headers }) => {
    const parsed = new URL(url);
    const wanted = parameter.toLowerCase();
    // Services also differ on whether case counts.
    if ([...parsed.searchParams.keys()].some((name) => name.toLowerCase() === wanted)) return Promise.reject(onTaken());
    const joint = parsed.search === '' ? '?' : '&';
    const bare = url.replace(/\?$/, '');
    return Promise.resolve({
      url: `${bare}${joint}${parameter}=${encodeURIComponent(secret)}`,
      headers: { ...headers },
    });
  };
}

interface HmacTerms {
  readonly header: string;
  readonly timeHeader: string;
  readonly hash: 'sha256' | 'sha512';
  readonly secret: string;
  readonly nowMs: () => number;
}

/**
 * An HMAC in hex over four lines: seconds since 1970, method, path with query, and the SHA-256 of the body in hex. The seconds go along in
 * a header of their own.
 */
export function asHmac({ header, timeHeader, hash, secret, nowMs }: HmacTerms): Inject {
  return ({ method, url, headers, body = '' }) => {
    const { pathname, search } = new URL(url);
    const seconds = String(Math.floor(nowMs() / 1000));
    const bodyHash = createHash('sha256').update(body).digest('hex');
    const signed = `${seconds}\n${method}\n${pathname}${search}\n${bodyHash}`;
    const signature = createHmac(hash, secret).update(signed).digest('hex');
    const made = { [header.toLowerCase()]: signature, [timeHeader.toLowerCase()]: seconds };
    return Promise.resolve({ url, headers: withHeaders(headers, made), signatures: [signature] });
  };
}

interface SigV4Terms {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly region: string;
  readonly service: string;
  readonly nowMs: () => number;
}

/** AWS Signature Version 4 over method, path, query, headers and body. */
export function asSigV4({ nowMs, ...terms }: SigV4Terms): Inject {
  return async ({ method, url, headers, body = '' }) => {
    // Loaded when a request is signed: most deployments sign none.
    const { AwsV4Signer } = await import('aws4fetch');
    const datetime = new Date(nowMs()).toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
    // For S3 the signer would leave the body unsigned.
    const hashed = { 'x-amz-content-sha256': createHash('sha256').update(body).digest('hex') };
    const given = terms.service === 's3' ? withHeaders(headers, hashed) : headers;
    const { sessionToken, ...rest } = terms;
    const signer = new AwsV4Signer({
      ...rest,
      ...(sessionToken !== undefined && { sessionToken }),
      method,
      url,
      headers: given,
      body,
      datetime,
    });
    const signed = await signer.sign();
    const signature = /Signature=([0-9a-f]{64})$/.exec(signed.headers.get('authorization') ?? '')?.[1];
    return { url, headers: Object.fromEntries(signed.headers), ...(signature && { signatures: [signature] }) };
  };
}

function withHeaders(
  headers: Readonly<Record<string, string>>,
  made: Readonly<Record<string, string>>,
): Record<string, string> {
  const others = Object.entries(headers).filter(([name]) => !Object.hasOwn(made, name.toLowerCase()));
  return { ...Object.fromEntries(others), ...made };
}
