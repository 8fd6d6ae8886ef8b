import { Fault } from '#writ/faults';
import { formatVkey, witnessKeyOf } from '#writ/signing';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { openWitness, type Witness, type WitnessOptions } from './open-witness.js';
import { createWitnessServer } from './server.js';

export interface RunWitnessOptions extends WitnessOptions {
  /** `HOST:PORT`, `[IPv6]:PORT`; port 0 takes a free one. */
  readonly listen: string;
}

/** What a witness says when it takes requests. */
export interface WitnessReady {
  readonly url: string;
  readonly name: string;
  readonly vkey: string;
  readonly logs: readonly { readonly origin: string; readonly size: number }[];
}

/** In flight is a matter of milliseconds; whoever does not end by then is a slow sender. */
const STOP_WITHIN_MS = 3_000;

/**
 * Runs a witness until SIGTERM or SIGINT, then finishes what is in flight. Calls `onReady` once it takes requests; its log goes
 * to stderr, one JSON line per request. Throws CONFIG_* when it must not start, CONFIG_PORT_IN_USE among them.
 */
export async function runWitness(options: RunWitnessOptions, onReady: (ready: WitnessReady) => void): Promise<void> {
  const place = parseListen(options.listen);
  // Synchronous: a line about two histories must not be lost with the process.
  const log = pino({ base: { service: 'witness', pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
  const witness = await openWitness(options);
  try {
    for (const origin of witness.begun) log.warn({ origin }, 'a new log: nothing of it was ever cosigned here');
    const server = createWitnessServer({ witness, log, now: Date.now });
    await listen(server, place, options.listen);
    onReady(readyOf(witness, server));
    const signal = await stopSignal();
    log.info({ signal }, 'stopping');
    await close(server);
  } finally {
    await witness.close();
  }
}

function readyOf({ key, logs }: Witness, server: Server): WitnessReady {
  const { address, family, port } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    name: key.name,
    vkey: formatVkey(witnessKeyOf(key)),
    logs: [...logs.values()].map(({ origin, last }) => ({ origin, size: last.size })),
  };
}

function parseListen(text: string): { readonly host: string; readonly port: number } {
  const [, ipv6, name, port = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined || Number(port) > 65_535)
    throw new Fault('INPUT_INVALID', `\`${text}\` is no \`HOST:PORT\` to listen on`);
  return { host, port: Number(port) };
}

async function listen(server: Server, place: { host: string; port: number }, text: string): Promise<void> {
  server.listen(place.port, place.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const [code, why] = isTaken
      ? (['CONFIG_PORT_IN_USE', 'is in use'] as const)
      : (['CONFIG_INVALID', 'cannot be listened on'] as const);
    throw new Fault(code, `\`${text}\` ${why}`, { cause });
  }
}

async function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, resolve);
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
  await closed.finally(() => clearTimeout(force));
}
