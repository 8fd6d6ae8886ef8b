import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect, errors, nkeyAuthenticator, type NatsConnection } from 'nats';
import { NotPermitted, Unavailable } from './errors.js';
import type { AgentProfile } from './profile.js';

/**
 * Why a request got no answer. `unavailable`: certainly nothing was done. `unanswered`: it may have been done.
 * `not-permitted`: the bus refused it.
 */
export type BusProblemKind = 'unavailable' | 'unanswered' | 'not-permitted';

export class BusProblem extends Error {
  override readonly name = 'BusProblem';

  constructor(
    readonly kind: BusProblemKind,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The connection of one agent. */
export interface AgentBus {
  /** Sends a request and gives the first answer. Throws BusProblem. */
  request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

const RECONNECT_WAIT_MS = 200;

/** Connects with the agent's own key. Throws NotPermitted when the key is refused and Unavailable when no bus answers. */
export async function connectAgentBus(profile: AgentProfile, connectTimeoutMs: number): Promise<AgentBus> {
  try {
    const connection = await connect({
      servers: profile.url.split(',').map((url) => url.trim()),
      authenticator: nkeyAuthenticator(new TextEncoder().encode(profile.seed)),
      name: profile.name,
      inboxPrefix: profile.inboxPrefix,
      timeout: connectTimeoutMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      // A key that the server refuses twice is a key that was removed: stop asking.
      ignoreAuthErrorAbort: false,
      // Otherwise two errors with their stacks are made for each request, in case it fails: a third of what a call costs here.
      noAsyncTraces: true,
    });
    return new NatsAgentBus(connection);
  } catch (cause) {
    if (cause instanceof Error && /authorization|authentication/i.test(cause.message)) {
      throw new NotPermitted(`the bus refuses the key of \`${profile.name}\``, { code: 'KEY_REFUSED', cause });
    }
    throw new Unavailable(`no bus answers at \`${profile.url}\``, { code: 'BUS_UNREACHABLE', cause });
  }
}

class NatsAgentBus implements AgentBus {
  #isConnected = true;
  readonly #lost = new Set<() => void>();

  constructor(private readonly connection: NatsConnection) {
    void this.#watch();
    void connection.closed().then(() => this.#lose());
  }

  async request(subject: string, data: Uint8Array, timeout: number): Promise<Uint8Array> {
    // The client library drops what is published while it has no connection, so waiting would be waiting for nothing.
    if (!this.#isConnected) throw new BusProblem('unavailable', 'the connection to the bus is lost');
    let onLost: (() => void) | undefined;
    const lost = new Promise<never>((_, reject) => {
      onLost = () => reject(new BusProblem('unanswered', 'the connection was lost before the answer'));
      this.#lost.add(onLost);
    });
    try {
      const message = await Promise.race([this.connection.request(subject, data, { timeout }), lost]);
      return message.data;
    } catch (error) {
      throw problemOf(error);
    } finally {
      if (onLost !== undefined) this.#lost.delete(onLost);
    }
  }

  async close(): Promise<void> {
    // The error of a write from this turn, to a server that has just gone, comes while the client library listens to it.
    await nextTurn();
    await this.connection.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') this.#lose();
      if (status.type === 'reconnect') this.#isConnected = true;
    }
  }

  #lose(): void {
    this.#isConnected = false;
    for (const tell of this.#lost) tell();
  }
}

function problemOf(error: unknown): BusProblem {
  if (error instanceof BusProblem) return error;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof errors.PermissionViolationError) {
      return new BusProblem('not-permitted', 'the bus does not let this agent send that', { cause: error });
    }
    if (cause instanceof errors.NoRespondersError) {
      return new BusProblem('unavailable', 'nobody decides at the moment', { cause: error });
    }
    if (cause instanceof errors.ClosedConnectionError || cause instanceof errors.DrainingConnectionError) {
      return new BusProblem('unavailable', 'the connection is closed', { cause: error });
    }
  }
  return new BusProblem('unanswered', 'no answer came in time', { cause: error });
}
