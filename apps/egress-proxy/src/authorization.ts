import { Fault } from '#writ/faults';
import type { Claim } from './ports.js';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** As `proxyToken` makes them. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/**
 * Reads an attacker-controlled `Proxy-Authorization`: `Basic` with the agent's name and its token, or `Bearer` with the token. Throws
 * PROXY_UNAUTHENTICATED for what is none of the two.
 */
export function readAuthorization(value: string | undefined): Claim {
  const [scheme = '', rest = ''] = (value ?? '').split(/ +(.*)/, 2);
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return claimOf(undefined, rest);
    case 'basic': {
      const text = BASE64.test(rest) ? Buffer.from(rest, 'base64').toString('utf8') : '';
      const colon = text.indexOf(':');
      return claimOf(text.slice(0, Math.max(0, colon)), text.slice(colon + 1));
    }
  }
  throw unauthenticated();
}

function claimOf(agent: string | undefined, token: string): Claim {
  if (!TOKEN.test(token)) throw unauthenticated();
  return { agent, token };
}

/** One sentence for all: which part was wrong is not told. */
export function unauthenticated(): Fault {
  return new Fault(
    'PROXY_UNAUTHENTICATED',
    'the proxy takes the token or the certificate of an agent: `writ agent proxy-token NAME`',
  );
}
