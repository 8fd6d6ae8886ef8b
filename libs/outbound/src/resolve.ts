import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { assertInternal, assertPublic } from '#writ/egress-rules';
import { Fault } from '#writ/faults';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Every address of a name. It is asked once a request; the connection is made to its answer and to nothing else. */
export type Resolver = (host: string) => Promise<readonly ResolvedAddress[]>;

/** The resolver of the operating system, so `/etc/hosts` and search domains count as they do for any program. */
export const systemResolver: Resolver = async (host) => {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/**
 * The addresses that a decided host may be dialled at, every one of them classified. An IP literal is dialled for an internal
 * destination only. Throws EXECUTOR_ADDRESS_REFUSED, or EXECUTOR_UNREACHABLE when the name does not resolve.
 */
export async function resolveDecided(
  hostname: string,
  internal: boolean,
  resolve: Resolver,
): Promise<readonly ResolvedAddress[]> {
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(literal);
  if (family !== 0 && !internal) {
    throw new Fault(
      'EXECUTOR_ADDRESS_REFUSED',
      '`host.ip_literal`: an address is dialled for internal destinations only',
    );
  }
  const found =
    family === 0 ? await ask(resolve, hostname) : [{ address: literal, family: family === 6 ? 6 : 4 } as const];
  const addresses = found.map(({ address }) => address);
  if (internal) assertInternal(addresses);
  else assertPublic(addresses);
  return found;
}

async function ask(resolve: Resolver, hostname: string): Promise<readonly ResolvedAddress[]> {
  try {
    return await resolve(hostname);
  } catch (cause) {
    throw new Fault('EXECUTOR_UNREACHABLE', 'the name does not resolve', { cause, transient: { sent: false } });
  }
}

/** A look-up that knows one answer, whatever it is asked: addresses that were all classified for this request. */
export function lookupOf(addresses: readonly ResolvedAddress[]): LookupFunction {
  // Node asks for all of them (autoSelectFamily) or for one.
  return (_host, options, done) => {
    const [first] = addresses;
    if (options.all === true) done(null, [...addresses]);
    else if (first !== undefined) done(null, first.address, first.family);
  };
}

/** What the work gives, or the reason of the signal when that comes first. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
