import { Fault } from '#writ/faults';
import { pathProblem } from './path.js';

/** A URL in its one canonical form. Policies decide on it, the ledger records it, and it is what is dialled. */
export interface ParsedDestination {
  readonly url: string;
  readonly scheme: 'http' | 'https';
  /** A name in lower case, or for an internal destination perhaps an address; IPv6 stands in brackets. */
  readonly host: string;
  readonly port: number;
  /** `scheme://host`, and the port unless it is the scheme's own. */
  readonly origin: string;
  /** Percent-encoded, without dot segments, hidden separators or encoded letters. */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
}

/** Why a URL is refused. The code stands first in the message of the fault. */
type UrlRefusal =
  | 'url.too_long'
  | 'url.control_or_backslash'
  | 'url.not_absolute_http'
  | 'url.userinfo'
  | 'url.non_ascii_host'
  | 'url.percent_in_authority'
  | 'url.invalid'
  | 'url.host_not_canonical'
  | 'url.trailing_dot'
  | 'host.ip_literal'
  | 'host.syntax'
  | 'path.not_canonical';

const WHY: Readonly<Record<UrlRefusal, string>> = {
  'url.too_long': 'the URL is too long',
  'url.control_or_backslash': 'the URL has a control character, a blank or a backslash',
  'url.not_absolute_http': 'the URL does not begin with `http://` or `https://`',
  'url.userinfo': 'the URL has a user or password before the host',
  'url.non_ascii_host': 'the host has letters outside ASCII; write it in its `xn--` form',
  'url.percent_in_authority': 'the host has percent-encoded characters',
  'url.invalid': 'the URL is none',
  'url.host_not_canonical': 'the host is not written in its canonical form',
  'url.trailing_dot': 'the host ends in a dot',
  'host.ip_literal': 'the host is an address; only an internal destination may be one',
  'host.syntax': 'the host is not a name of at least two labels',
  'path.not_canonical': 'the path is not written in its canonical form',
};

const URL_CHARACTERS_MAX = 2_048;
/** A label of a name: letters, digits and inner hyphens. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export interface ParseOptions {
  /** Canonical origins that may be an address, `localhost` or a name of one label: those of destinations declared internal. */
  readonly internalOrigins?: ReadonlySet<string> | undefined;
}

/**
 * Parses an attacker-controlled URL. What two parsers could read differently is refused with INPUT_URL_REFUSED, never repaired: the
 * host that is decided on is the host that is dialled. A fragment is dropped, for it is never sent.
 */
export function parseDestination(text: string, { internalOrigins }: ParseOptions = {}): ParsedDestination {
  const authority = readAuthority(text);
  if (!URL.canParse(text)) throw refusal('url.invalid');
  const url = new URL(text);
  // The parser rewrites numbers, short forms and encodings of an address; so whatever is not what was written is refused.
  if (hostOf(authority) !== url.hostname) throw refusal('url.host_not_canonical');
  if (url.hostname.endsWith('.')) throw refusal('url.trailing_dot');
  if (internalOrigins?.has(url.origin) !== true) checkName(url.hostname);
  if (pathProblem(writtenPath(text), url.pathname)) throw refusal('path.not_canonical');
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const path = upperCaseEscapes(url.pathname);
  return {
    url: url.origin + path + url.search,
    scheme,
    host: url.hostname,
    port: url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port),
    origin: url.origin,
    path,
    query: url.search,
  };
}

/** The authority as it is written. INVARIANT: no backslash, blank or control character is left to move its end. */
function readAuthority(text: string): string {
  if (text.length > URL_CHARACTERS_MAX) throw refusal('url.too_long');
  if (/[\p{Cc}\p{White_Space}\p{Cs}\\]/u.test(text)) throw refusal('url.control_or_backslash');
  const authority = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (authority === undefined) throw refusal('url.not_absolute_http');
  if (authority.includes('@')) throw refusal('url.userinfo');
  if (/[^\u0021-\u007e]/.test(authority)) throw refusal('url.non_ascii_host');
  if (authority.includes('%')) throw refusal('url.percent_in_authority');
  return authority;
}

function hostOf(authority: string): string {
  return authority.replace(/:[0-9]*$/, '').toLowerCase();
}

function checkName(host: string): void {
  if (host.startsWith('[') || /^[0-9.]+$/.test(host)) throw refusal('host.ip_literal');
  const labels = host.split('.');
  const isName = labels.length >= 2 && host.length <= 253 && labels.every((label) => LABEL.test(label));
  if (!isName || /^[0-9]+$/.test(labels.at(-1) ?? '')) throw refusal('host.syntax');
}

function writtenPath(text: string): string {
  return /^https?:\/\/[^/?#]*([^?#]*)/i.exec(text)?.[1] ?? '';
}

/** `%c3` and `%C3` are the same octet; a policy sees one spelling. */
function upperCaseEscapes(path: string): string {
  return path.replaceAll(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase());
}

function refusal(code: UrlRefusal): Fault {
  return new Fault('INPUT_URL_REFUSED', `\`${code}\`: ${WHY[code]}`);
}
