import { connect, type NatsConnection } from 'nats';
import { BusError, type Bus } from './bus.js';
import { NatsBus } from './nats-bus.js';
import { nonceSigner } from './nkey.js';

export interface ConnectBusOptions {
  readonly servers: string | readonly string[];
  /** The nkey seed of the user, `SU…`. It stays in this process; the server sees a signature. */
  readonly seed: string;
  /** Name of the user, for people and logs. The server knows the user by the key alone. */
  readonly user: string;
  /** All replies come in under this prefix, the only one the user may subscribe to. */
  readonly inboxPrefix: string;
  /** Errors that belong to no request and no subscription, such as a refused publish. */
  readonly onError?: (error: Error) => void;
  readonly connectTimeoutMs?: number;
}

const RECONNECT_WAIT_MS = 150;
const RECONNECT_JITTER_MS = 100;
const PING_INTERVAL_MS = 10_000;

/**
 * Connects as one user. The connection comes back by itself after a loss, for ever; only a refused key or `close` ends it,
 * and then `closed()` resolves. Throws a BusError when the first attempt fails.
 */
export async function connectBus(options: ConnectBusOptions): Promise<Bus> {
  return new NatsBus(await open(options), options);
}

async function open(options: ConnectBusOptions): Promise<NatsConnection> {
  const signer = nonceSigner(options.seed);
  try {
    return await connect({
      servers: typeof options.servers === 'string' ? options.servers : [...options.servers],
      authenticator: (nonce) => ({ nkey: signer.publicKey, sig: signer.sign(nonce ?? '') }),
      name: options.user,
      inboxPrefix: options.inboxPrefix,
      timeout: options.connectTimeoutMs ?? 5_000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_JITTER_MS,
      pingInterval: PING_INTERVAL_MS,
      // A key that the server refuses twice is a key that was removed: stop asking.
      ignoreAuthErrorAbort: false,
    });
  } catch (cause) {
    const isRefused = cause instanceof Error && /authorization|authentication/i.test(cause.message);
    throw isRefused
      ? new BusError('permission', `the bus refuses the key of \`${options.user}\``, { cause })
      : new BusError('disconnected', `no bus answers at \`${String(options.servers)}\``, { cause });
  }
}
