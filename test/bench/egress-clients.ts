import type { Agent as WritAgent } from '#writ/agent-sdk';
import { Agent, ProxyAgent } from 'undici';

/**
 * How a client asks: by `http`, which is an absolute-form request where there is a proxy; by `https` on connections that it keeps, which are
 * CONNECT tunnels there; or with a connection, and so a tunnel, for each request.
 */
export type How = 'http' | 'https-kept' | 'https-each';

/** The service that all ask. */
export interface Service {
  readonly http: string;
  readonly https: string;
  readonly ca: string;
}

/** Where a proxy is, and what it wants to be shown. */
export interface Proxy {
  readonly url: string;
  readonly authorization?: string;
}

/** Someone who asks the service. `get` resolves when the whole answer is there, and throws when it is another one. */
export interface Client {
  get(): Promise<void>;
  close(): Promise<void>;
}

const PATH = '/items';

/** An undici client, directly or through the proxy. It opens as many connections as it has requests in flight, without pipelining. */
export function undiciClient(how: How, service: Service, proxy?: Proxy): Client {
  const tls = { ca: service.ca, servername: 'localhost' };
  const dispatcher =
    proxy === undefined
      ? new Agent({ connect: tls })
      : new ProxyAgent({
          uri: proxy.url,
          proxyTunnel: false,
          requestTls: tls,
          ...(proxy.authorization !== undefined && { token: proxy.authorization }),
        });
  const origin = how === 'http' ? service.http : service.https;
  const isEach = how === 'https-each';
  return {
    get: async () => {
      const options = { origin, path: PATH, method: 'GET', ...(isEach && { reset: true }) } as const;
      const { statusCode, body } = await dispatcher.request(options);
      check(statusCode, await body.text());
    },
    close: () => dispatcher.destroy(),
  };
}

/** The SDK of an agent, which somebody else closes. */
export function sdkClient(agent: WritAgent, service: Service): Client {
  return {
    get: async () => {
      const { output } = await agent.egress(`${service.http}${PATH}`);
      const { status, body } = output as { readonly status: number; readonly body: string };
      check(status, body);
    },
    close: () => Promise.resolve(),
  };
}

/** What is refused or cut off is no request that counts. */
function check(status: number, body: string): void {
  if (status !== 200 || body.length < 1_000) throw new Error(`the answer is ${status}: ${body.slice(0, 200)}`);
}
