import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { WritConfig } from '#writ/catalogue';
import type { LocalCa } from '#writ/local-ca';
import type { Inspector } from './proxy-server.js';
import { takeClientHello } from './take-client-hello.js';

const HANDSHAKE_WITHIN_MS = 10_000;

/** Ends the TLS of clients that want to speak to the destinations that the configuration says, with certificates of a local authority. */
export class TlsInspector implements Inspector {
  readonly #origins: ReadonlySet<string>;

  constructor(
    private readonly ca: Pick<LocalCa, 'contextFor'>,
    { egressProxy, destinations }: Pick<WritConfig, 'egressProxy' | 'destinations'>,
  ) {
    const inspected = (egressProxy?.inspect ?? []).map((name) => destinations[name]?.origin ?? '');
    this.#origins = new Set(inspected.filter((origin) => URL.canParse(origin)).map((origin) => new URL(origin).origin));
  }

  covers(host: string, port: number): boolean {
    const url = `https://${host}:${port}`;
    // The host is attacker-controlled: one that the parser would rewrite is another text, and covered by none.
    return URL.canParse(url) && new URL(url).hostname === host && this.#origins.has(new URL(url).origin);
  }

  async unwrap(client: Duplex, head: Buffer, host: string): Promise<Duplex> {
    const signal = AbortSignal.timeout(HANDSHAKE_WITHIN_MS);
    const hello = await takeClientHello(client, head, { host, signal });
    const secureContext = await this.ca.contextFor(host);
    client.unshift(hello);
    const plain = new TLSSocket(client, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
    plain.on('error', () => client.destroy());
    await once(plain, 'secure', { signal });
    return plain;
  }
}
