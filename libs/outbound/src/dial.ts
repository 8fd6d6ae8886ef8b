import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { faultOf } from './faults.js';
import { lookupOf, resolveDecided, type Resolver, systemResolver, untilAborted } from './resolve.js';

interface Dialling {
  /** Canonical and decided already: what it says is what is dialled. IPv6 stands in brackets. */
  readonly host: string;
  readonly port: number;
  /** Whether the destination is declared to lie in a private or loopback network. */
  readonly internal: boolean;
  /** For look-up and connection together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly resolve?: Resolver | undefined;
}

/**
 * Opens one connection to a decided host and port, with nothing sent. The name is resolved once, every address is classified, and the
 * connection goes to those addresses alone. Throws Faults with EXECUTOR_* codes.
 */
export async function dialDecided(dialling: Dialling): Promise<Socket> {
  const { host, port, internal, timeoutMs, signal } = dialling;
  const deadline = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([deadline, signal]);
  let socket: Socket | undefined;
  try {
    either.throwIfAborted();
    const addresses = await untilAborted(resolveDecided(host, internal, dialling.resolve ?? systemResolver), either);
    const name = host.replace(/^\[(.*)\]$/, '$1');
    // Half of a tunnel may end before the other half: whoever carries it says when both are over.
    socket = connect({ host: name, port, lookup: lookupOf(addresses), allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect', { signal: either });
    return socket;
  } catch (thrown) {
    socket?.on('error', () => undefined).destroy();
    throw faultOf(thrown, { isConnected: false, deadline, signal });
  }
}
