import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { Fault } from '#writ/faults';
import { readClientHello } from './client-hello.js';

const HELLO_BYTES_MAX = 16_384;
const HELLO_WITHIN_MS = 5_000;

/**
 * The first bytes of a tunnel, once they are a whole ClientHello for the host. Nothing was passed on before. Throws
 * EXECUTOR_TUNNEL_REFUSED for anything else: another name, a hidden one, no TLS, too much or too late.
 */
export async function takeClientHello(
  client: Duplex,
  already: Buffer,
  { host, signal }: { readonly host: string; readonly signal: AbortSignal },
): Promise<Buffer> {
  const bytes = await wholeHello(client, already, AbortSignal.any([signal, AbortSignal.timeout(HELLO_WITHIN_MS)]));
  const hello = readClientHello(bytes);
  if (hello === undefined || hello === 'more') throw refused('it is no TLS');
  if (hello.isEncrypted) throw refused('it hides the name of its server');
  // A client that speaks to an address names none.
  const isAddress = isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0;
  if (hello.serverName !== (isAddress ? undefined : host)) throw refused('it is for another server');
  return bytes;
}

function wholeHello(client: Duplex, already: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes = already;
    const settle = (end: () => void) => {
      client.pause();
      client.off('data', take).off('end', onEnd).off('close', onEnd);
      signal.removeEventListener('abort', onLate);
      end();
    };
    const look = () => {
      const state = bytes.length > HELLO_BYTES_MAX ? undefined : readClientHello(bytes);
      if (state === 'more') return;
      settle(() => (state === undefined ? reject(refused('it is no TLS')) : resolve(bytes)));
    };
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      look();
    };
    const onEnd = () => settle(() => reject(refused('the client left')));
    const onLate = () => settle(() => reject(refused('it did not come in time')));
    client.on('data', take).on('end', onEnd).on('close', onEnd);
    signal.addEventListener('abort', onLate);
    if (signal.aborted) onLate();
    else if (client.destroyed) onEnd();
    else look();
  });
}

function refused(why: string): Fault {
  return new Fault('EXECUTOR_TUNNEL_REFUSED', `the tunnel was closed after its first bytes: ${why}`);
}
