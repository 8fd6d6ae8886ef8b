import { mkdirSync } from 'node:fs';
import { BRIDGE_PORT, bridgeText } from './egress-bridge.js';

/** How what a contained program asks of the network leaves its sandbox: by the egress proxy, as one agent. */
export interface EgressWay {
  /** The folder that holds the socket of that agent and nothing else. It is made when it is missing: the proxy may start later. */
  readonly folder: string;
  /** The authority of the certificates that the proxy shows, where it looks into TLS. */
  readonly ca?: string | undefined;
}

/** The name of the socket in its folder. */
export const EGRESS_SOCKET = 'socket';

/** Places of our own inside, at the root: beside, and not in, what can be declared for a program. */
const FOLDER_INSIDE = '/writ-egress';
const CA_INSIDE = '/writ-egress-ca.pem';

/** What a sandbox needs beyond the program for its way out. */
interface PreparedWay {
  /** Arguments of bubblewrap. */
  readonly binds: readonly string[];
  /** The program that is started instead, and the arguments before those of the program. */
  readonly wrapper: readonly string[];
  /** What tells the program of its way out. */
  readonly env: Readonly<Record<string, string>>;
}

/** Lets the sandbox see the folder of the socket, and starts the program behind a bridge to it. */
export function prepareWay({ folder, ca }: EgressWay): PreparedWay {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const proxy = `http://127.0.0.1:${BRIDGE_PORT}`;
  return {
    // The folder, and not the socket: a proxy that starts again makes another socket, which is to be found by programs that still run.
    binds: [...['--ro-bind', folder, FOLDER_INSIDE], ...(ca === undefined ? [] : ['--ro-bind', ca, CA_INSIDE])],
    wrapper: [process.execPath, '--eval', bridgeText(), '--', `${FOLDER_INSIDE}/${EGRESS_SOCKET}`],
    env: {
      HTTP_PROXY: proxy,
      HTTPS_PROXY: proxy,
      http_proxy: proxy,
      https_proxy: proxy,
      ...(ca !== undefined && { SSL_CERT_FILE: CA_INSIDE, NODE_EXTRA_CA_CERTS: CA_INSIDE }),
    },
  };
}
