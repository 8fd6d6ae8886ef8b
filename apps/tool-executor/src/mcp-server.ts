import type { McpServerDeclaration } from '#writ/catalogue';
import type { Sandbox } from '#writ/containment';
import { Fault, messageOf, toFault } from '#writ/faults';
import { type ConnectMcp, deferred, type McpConnection, type McpHttp, type ToolDefinitions } from '#writ/mcp';
import type { ToolLog } from './ports.js';

export interface Clock {
  readonly now: () => number;
  /** Resolves after that time, or at once when the signal fires. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

interface McpServerOptions {
  readonly name: string;
  readonly declaration: McpServerDeclaration;
  readonly baseDirectory: string;
  readonly sandbox: Pick<Sandbox, 'assertAllowed' | 'contain'>;
  readonly connect: ConnectMcp;
  /** For a server elsewhere. */
  readonly http: McpHttp;
  readonly clock: Clock;
  readonly log: ToolLog;
  /** Told what the server offers: after every start, and when it says that its tools changed. */
  readonly onDefinitions: (definitions: ToolDefinitions) => void;
}

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 30_000;
// A server that ran that long did not fail at start: the next failure is the first again.
const STABLE_AFTER_MS = 10_000;

/** Keeps one MCP server running or connected: started on the first need, started again after it ended, with growing pauses. */
export class McpServer {
  readonly #closing = new AbortController();
  #connection: Promise<McpConnection> | undefined;
  #loop: Promise<void> | undefined;
  readonly #firstAttempt = deferred<void>();

  constructor(private readonly options: McpServerOptions) {}

  /** Starts it when it was not started, and resolves when the first attempt succeeded or failed. */
  start(): Promise<void> {
    const refused = this.#refused();
    if (refused !== undefined) {
      this.options.log.error({ server: this.options.name, code: refused.code }, refused.message);
      return Promise.resolve();
    }
    this.#loop ??= this.#keepRunning();
    return this.#firstAttempt.promise;
  }

  /** The running server. Throws EXECUTOR_UNREACHABLE when it is between two attempts, or the signal fires first, EXECUTOR_NOT_CONTAINED. */
  async connection(signal: AbortSignal): Promise<McpConnection> {
    const refused = this.#refused();
    if (refused !== undefined) throw refused;
    void this.start();
    const { name } = this.options;
    if (this.#connection === undefined)
      throw new Fault('EXECUTOR_UNREACHABLE', `the MCP server \`${name}\` is not running`);
    const { promise, reject } = deferred<never>();
    const abort = () => reject(new Fault('EXECUTOR_UNREACHABLE', `the MCP server \`${name}\` is still starting`));
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([this.#connection, promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Ends the server, for good. */
  async close(): Promise<void> {
    this.#closing.abort();
    const connection = await this.#connection?.catch(() => undefined);
    await connection?.close();
    await this.#loop;
  }

  /** A server that must be contained and cannot be is never started: each of its calls says so. */
  #refused(): Fault | undefined {
    try {
      const { declaration, sandbox } = this.options;
      // What runs elsewhere is contained by whoever runs it.
      if (!('url' in declaration)) sandbox.assertAllowed(declaration);
      return undefined;
    } catch (error) {
      return toFault(error);
    }
  }

  async #keepRunning(): Promise<void> {
    const { name, clock, log } = this.options;
    const closing = this.#closing.signal;
    for (let failures = 0; !closing.aborted; failures++) {
      const startedMs = clock.now();
      const why = await this.#runOnce();
      if (closing.aborted) return;
      if (clock.now() - startedMs >= STABLE_AFTER_MS) failures = 0;
      const pauseMs = Math.min(BACKOFF_FIRST_MS * 2 ** failures, BACKOFF_MAX_MS);
      log.warn({ server: name, why, pauseMs }, 'an MCP server ended; it is started again after a pause');
      await clock.sleep(pauseMs, closing);
    }
  }

  /** Starts or connects it and waits until that has ended. Returns the sentence that says why. */
  async #runOnce(): Promise<string> {
    const { name, connect, onDefinitions, log, clock } = this.options;
    try {
      this.#connection = connect({ ...this.options, now: clock.now, signal: this.#closing.signal });
      const { definitions, closed } = await this.#connection;
      onDefinitions(definitions);
      log.info({ server: name, tools: definitions.size }, 'an MCP server is running');
      this.#firstAttempt.resolve();
      return await closed;
    } catch (error) {
      return messageOf(error);
    } finally {
      this.#connection = undefined;
      this.#firstAttempt.resolve();
    }
  }
}
