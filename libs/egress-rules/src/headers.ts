import { Fault } from '#writ/faults';

const HEADERS_MAX = 64;
const HEADER_BYTES_MAX = 8_192;

/** A header name (RFC 9110 token). */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** A header value: visible ASCII, blanks and tabs. CR, LF and NUL would make a second header or request. */
const VALUE = /^[\t\x20-\x7e]*$/;

/** Headers that frame the message, choose another host, path, method or encoding than the one decided, or speak for a proxy. */
const REFUSED: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'accept-encoding',
  'expect',
  'upgrade',
  'http2-settings',
  'alt-used',
  'via',
  'forwarded',
  'x-real-ip',
  'x-host',
  'x-original-host',
  'x-original-url',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'metadata',
  'metadata-flavor',
  'set-cookie',
]);
const REFUSED_PREFIXES = ['proxy-', 'sec-', 'x-forwarded-', 'x-aws-ec2-metadata-'];

export interface HeaderRules {
  /** Lower-case names of the headers that a credential goes into, when one is injected: then the request may not authenticate itself. */
  readonly credentialHeaders?: readonly string[] | undefined;
}

/**
 * Refuses request headers that Writ does not send, with INPUT_INVALID; returns them with lower-case names. Names and values are
 * attacker-controlled, so the message names the header only when its name is a plain word.
 */
export function checkRequestHeaders(
  headers: Readonly<Record<string, string>>,
  rules: HeaderRules = {},
): Record<string, string> {
  const checked = new Map<string, string>();
  let bytes = 0;
  for (const [written, value] of Object.entries(headers)) {
    if (!NAME.test(written)) throw new Fault('INPUT_INVALID', '`headers`: a header name is not one');
    const name = written.toLowerCase();
    if (!VALUE.test(value)) throw refusal(name, 'has a control character or a letter outside ASCII in its value');
    if (isRefused(name, rules)) throw refusal(name, 'is not sent for an agent');
    if (checked.has(name)) throw refusal(name, 'stands twice');
    bytes += name.length + value.length;
    checked.set(name, value.trim());
  }
  if (checked.size > HEADERS_MAX || bytes > HEADER_BYTES_MAX) {
    throw new Fault('INPUT_INVALID', `\`headers\`: more than ${HEADERS_MAX} headers or ${HEADER_BYTES_MAX} bytes`);
  }
  return Object.fromEntries(checked);
}

function isRefused(name: string, { credentialHeaders }: HeaderRules): boolean {
  if (REFUSED.has(name) || REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix))) return true;
  if (credentialHeaders === undefined) return false;
  return name === 'authorization' || name === 'cookie' || credentialHeaders.includes(name);
}

function refusal(name: string, why: string): Fault {
  return new Fault('INPUT_INVALID', `\`headers\`: the header \`${name}\` ${why}`);
}
