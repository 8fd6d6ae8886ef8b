import { readFile } from 'node:fs/promises';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export interface StreamOptions {
  readonly host: string;
  readonly port: number;
  /** Absent: plain text, on this machine only. */
  readonly tls?:
    | {
        readonly caFile?: string | undefined;
        readonly certFile?: string | undefined;
        readonly keyFile?: string | undefined;
      }
    | undefined;
  readonly timeoutMs: number;
}

/** Connects, with TLS 1.2 or later and the name of the host checked when TLS is asked for. Rejects when time is up. */
export async function connectStream({ host, port, tls, timeoutMs }: StreamOptions): Promise<Socket> {
  const options = tls === undefined ? undefined : await tlsOptions(tls, host);
  return new Promise((resolve, reject) => {
    const socket: Socket =
      options === undefined ? connectPlain({ host, port }) : connectTls({ host, port, ...options });
    const timer = setTimeout(() => socket.destroy(new Error(`no connection in ${timeoutMs} ms`)), timeoutMs);
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once(options === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      // Whoever uses the socket learns of an error by its `close`; an error without a listener would end the process.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('close', () => clearTimeout(timer));
  });
}

async function tlsOptions(
  { caFile, certFile, keyFile }: NonNullable<StreamOptions['tls']>,
  host: string,
): Promise<ConnectionOptions> {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFile(file));
  const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)]);
  const isAddress = /^[\d.]+$|:/.test(host);
  return {
    minVersion: 'TLSv1.2',
    // An address is checked against the certificate too, but is no name to ask for.
    ...(!isAddress && { servername: host }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
