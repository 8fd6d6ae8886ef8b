import type { WritConfig } from '#writ/catalogue';

/**
 * Gives the URL that a plain `http://` URL stands for. A program that cannot have its TLS ended at the proxy may speak plainly to it: where
 * the destination of that host is declared with `https` and not with `http`, that is what is asked for. Anything else stays as it is.
 */
export function urlUpgrader(destinations: WritConfig['destinations']): (url: string) => string {
  const origins = new Set(Object.values(destinations).map((each) => originOf(each.origin)));
  return (url) => {
    if (!/^http:\/\//i.test(url) || !URL.canParse(url)) return url;
    const { origin, host } = new URL(url);
    if (origins.has(origin) || !origins.has(originOf(`https://${host}`))) return url;
    return `https${url.slice(url.indexOf(':'))}`;
  };
}

function originOf(text: string): string {
  return URL.canParse(text) ? new URL(text).origin : '';
}
