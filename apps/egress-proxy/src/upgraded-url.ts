import type { WritConfig } from '#writ/catalogue';

/**
 * The URL that a plain `http://` URL stands for. A program that cannot have its TLS ended at the proxy may speak plainly to it: where the
 * destination of that host is declared with `https` and not with `http`, that is what is asked for. Anything else stays as it is.
 */
export function upgradedUrl(url: string, destinations: WritConfig['destinations']): string {
  if (!/^http:\/\//i.test(url) || !URL.canParse(url)) return url;
  const { origin, host } = new URL(url);
  const origins = new Set(Object.values(destinations).map((each) => originOf(each.origin)));
  const secure = `https://${host}`;
  return !origins.has(origin) && origins.has(originOf(secure)) ? `https${url.slice(url.indexOf(':'))}` : url;
}

function originOf(text: string): string {
  return URL.canParse(text) ? new URL(text).origin : '';
}
