import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Fault } from '#writ/faults';
import type { ProxiedAgent } from './ports.js';
import { refusalBytes, refusalOf } from './refusal.js';

/** A client that wants a tunnel, and what it has sent behind its CONNECT. */
export interface TunnelClient {
  readonly socket: Duplex;
  readonly head: Buffer;
}

interface Waiting {
  readonly client: TunnelClient;
  /** Of the agent: a tunnel that was begun by a key that is gone does not go on. */
  readonly stop: AbortController;
}

/** What a command for a tunnel finds: the client that waits for it, and what stops it. */
export interface ClaimedTunnel {
  readonly client: TunnelClient;
  readonly stopped: AbortSignal;
}

/** The clients that wait for a tunnel or have one, by agent and call. */
export class Tunnels {
  readonly #waiting = new Map<string, Waiting>();
  readonly #open = new Map<string, Set<AbortController>>();

  constructor(private readonly perAgentMax: number) {}

  /** How many tunnels wait or are open. */
  get count(): number {
    return [...this.#open.values()].reduce((sum, each) => sum + each.size, 0);
  }

  /**
   * Asks for a tunnel in the name of the agent and keeps the client until the command for it comes, or the refusal, which the client is
   * told. Never rejects.
   */
  async open(agent: ProxiedAgent, { host, port }: { host: string; port: number }, client: TunnelClient): Promise<void> {
    const mine = this.#open.get(agent.name) ?? new Set();
    if (mine.size >= this.perAgentMax) {
      client.socket.end(refusalBytes(refusalOf(new Fault('BUSY', `the agent has ${this.perAgentMax} tunnels`))));
      return;
    }
    const call = randomUUID();
    const key = `${agent.name}/${call}`;
    const stop = new AbortController();
    this.#open.set(agent.name, mine.add(stop));
    client.socket.once('close', () => this.#forget(agent.name, stop));
    this.#waiting.set(key, { client, stop });
    try {
      await agent.connect(host, port, call);
      // It is over. One that nobody carried for our client is none.
      if (this.#waiting.has(key)) client.socket.destroy();
    } catch (error) {
      // A tunnel that was opened is told by its bytes; how it ended is on record.
      if (this.#waiting.has(key)) client.socket.end(refusalBytes(refusalOf(error, call)));
    } finally {
      this.#waiting.delete(key);
    }
  }

  /** The client of a command, once: it has been told that the tunnel is open when `accept` was called. Throws EXECUTOR_FAILED. */
  claim(agent: string, call: string): ClaimedTunnel & { accept(): void } {
    const key = `${agent}/${call}`;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined || waiting.client.socket.destroyed)
      throw new Fault('EXECUTOR_FAILED', 'no client of the proxy waits for that tunnel');
    const { client, stop } = waiting;
    return {
      client,
      stopped: stop.signal,
      accept: () => {
        this.#waiting.delete(key);
        client.socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      },
    };
  }

  /** Ends every tunnel of the agent, also those that only wait. */
  stop(agent: string): void {
    for (const tunnel of this.#open.get(agent) ?? []) tunnel.abort();
  }

  stopAll(): void {
    for (const agent of this.#open.keys()) this.stop(agent);
  }

  #forget(agent: string, stop: AbortController): void {
    const mine = this.#open.get(agent);
    mine?.delete(stop);
    if (mine?.size === 0) this.#open.delete(agent);
  }
}
