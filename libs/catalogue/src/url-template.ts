import type { Json, JsonObject } from '#writ/contracts';

/** A URL with `{argument}` places in its path and query, never before the path. */
export interface UrlTemplate {
  readonly origin: string;
  /** Fixed text and places in turn; the first and the last are text, which may be empty. */
  readonly parts: readonly TemplatePart[];
  readonly argumentNames: readonly string[];
  /** Names in the query that the template itself gives, with or without a place behind them. */
  readonly queryNames: readonly string[];
}

type TemplatePart = { readonly text: string } | { readonly argument: string; readonly isInPath: boolean };

/** A URL with its arguments in place, and the arguments that had no place; or why they cannot be put there. */
export type FilledUrl = { readonly url: string; readonly rest: JsonObject } | { readonly problem: string };

const PLACE = /\{([^{}]*)\}/g;
const ARGUMENT_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const URL_CHARACTERS_MAX = 8192;

/** Splits a URL template, or returns the sentence that says what is wrong with it. */
export function parseUrlTemplate(template: string): UrlTemplate | string {
  const [head = ''] = /^https?:\/\/[^/?#]*/.exec(template) ?? [];
  if (head === '') return 'must start with http:// or https://';
  if (/[{}@\\]/.test(head)) return 'takes arguments in its path and query alone, and names no user';
  const argumentNames = [...template.matchAll(PLACE)].map((place) => place[1] ?? '');
  if (!argumentNames.every((name) => ARGUMENT_NAME.test(name)))
    return 'has a place `{…}` that is no name of an argument';
  const filled = template.replace(PLACE, 'x');
  if (/[{}]/.test(filled)) return 'has a brace without its partner';
  if (!URL.canParse(filled)) return 'is no URL';
  const url = new URL(filled);
  if (filled.includes('#')) return 'must not have a fragment';
  // A template that the URL parser rewrites would be decided as one address and dialled as another.
  if (url.href !== filled && url.href !== `${filled}/`)
    return 'must be written in canonical form, as a browser shows it';
  return { origin: url.origin, parts: splitParts(template), argumentNames, queryNames: [...url.searchParams.keys()] };
}

/**
 * Puts arguments into their places, each percent-encoded as one path segment or query value. Whatever an argument holds, the
 * host, the number of path segments and the names in the query stay those of the template.
 */
export function fillUrl(template: UrlTemplate, args: JsonObject): FilledUrl {
  let url = '';
  for (const part of template.parts) {
    if ('text' in part) {
      url += part.text;
      continue;
    }
    const text = Object.hasOwn(args, part.argument) ? scalarText(args[part.argument]) : undefined;
    if (text === undefined) return { problem: `the URL needs the argument \`${part.argument}\`` };
    // Servers are known to decode `%2F` before they split the path, so a slash is refused and not merely encoded.
    if (part.isInPath && !/^[^/\\\p{Cc}]+$/u.test(text)) {
      return { problem: `the argument \`${part.argument}\` cannot be one segment of a path` };
    }
    url += encode(text);
  }
  if (url.length > URL_CHARACTERS_MAX) return { problem: `the URL is over ${URL_CHARACTERS_MAX} characters` };
  // The parser removes dot segments; a URL that it changes is one whose path an argument would have changed.
  const href = URL.canParse(url) ? new URL(url).href : undefined;
  if (href !== url && href !== `${url}/`) return { problem: 'an argument would change the path of the URL' };
  const rest = Object.entries(args).filter(([name]) => !template.argumentNames.includes(name));
  return { url: href, rest: Object.fromEntries(rest) };
}

/** Adds arguments to the query of a URL: a list as one member for each element, an object as JSON. Null is left out. */
export function addQuery(url: string, args: JsonObject): string {
  const pairs = Object.entries(args).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as readonly Json[]) : [value])
      .filter((element) => element !== null)
      .map((element) => `${encode(name)}=${encode(scalarText(element) ?? JSON.stringify(element))}`),
  );
  if (pairs.length === 0) return url;
  return `${url}${url.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}

function splitParts(template: string): TemplatePart[] {
  const queryAt = template.includes('?') ? template.indexOf('?') : template.length;
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const place of template.matchAll(PLACE)) {
    parts.push({ text: template.slice(end, place.index) });
    parts.push({ argument: place[1] ?? '', isInPath: place.index < queryAt });
    end = place.index + place[0].length;
  }
  return [...parts, { text: template.slice(end) }];
}

function scalarText(value: Json | undefined): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/** Percent-encoding of all but the unreserved characters of RFC 3986, so that no URL parser encodes more. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
