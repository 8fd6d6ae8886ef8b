import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  canonicalJson,
  CATALOG_LIST,
  type Json,
  type JsonObject,
  type Progress,
  REQUEST_JSON_LIMITS,
  type RequestKind,
  subjects,
} from '#writ/contracts';
import { type AgentBus, BusProblem } from './agent-bus.js';
import type { CallOptions, ToolOptions } from './call-options.js';
import { type Catalog, fetchCatalog } from './catalog.js';
import { NotPermitted, Refused, Unanswered, Unavailable, type WritError } from './errors.js';
import { Memory } from './memory.js';
import { type Completed, readAnswer, type Reading, readProgress } from './read-answer.js';
import { watchProgress } from './watch-progress.js';

export interface EgressInit {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface AgentOptions {
  readonly timeoutMs?: number;
  readonly retries?: number;
  readonly connectTimeoutMs?: number;
}

// Longer than the 25 s after which a call that still runs is answered with `pending`.
const TIMEOUT_MS = 35_000;
const RETRIES_MAX = 10;
const RETRY_PAUSE_MS = 200;
const POLL_FIRST_MS = 250;
const POLL_MAX_MS = 2_000;
/** For one answer to how far a call is: later it is not worth knowing. */
const PROGRESS_WITHIN_MS = 2_000;

/** An agent's door to tools, memories and the network. Every call is decided, recorded and only then done. */
export class Agent {
  constructor(
    readonly name: string,
    private readonly bus: AgentBus,
    private readonly options: AgentOptions = {},
  ) {}

  /** Calls a tool. Resolves when it completed; throws one of the WritErrors otherwise. */
  async tool<T extends Json = Json>(
    tool: string,
    args: JsonObject = {},
    { onProgress, ...options }: ToolOptions = {},
  ): Promise<Completed<T>> {
    if (onProgress === undefined) return this.#call<T>('tool.call', { tool, args }, options);
    const { call = randomUUID() } = options;
    const ended = new AbortController();
    const { signal } = ended;
    watchProgress({ ask: () => this.#progress(call), onProgress, signal }).catch(() => undefined);
    try {
      return await this.#call<T>('tool.call', { tool, args, progress: true }, { ...options, call });
    } finally {
      ended.abort();
    }
  }

  /** A memory namespace such as `CRM.customers`. */
  memory(namespace: string): Memory {
    return new Memory((operation, body, options) => this.#call(operation, { namespace, ...body }, options));
  }

  /** Sends an HTTP request to a declared destination. Redirects are not followed: each is a new request. */
  async egress(url: string, init: EgressInit = {}, options: CallOptions = {}): Promise<Completed> {
    return this.#call('egress.fetch', { url, ...(init as JsonObject) }, options);
  }

  /**
   * Asks for a tunnel to a declared destination. The egress proxy carries it for the client that waits there under the same call id;
   * without one it fails.
   */
  async connect(host: string, port: number, options: CallOptions = {}): Promise<Completed> {
    return this.#call('egress.connect', { host, port }, options);
  }

  /** The outcome of an earlier call of this agent, waiting for it while it still runs. */
  async result<T extends Json = Json>(
    callId: string,
    options: Pick<CallOptions, 'timeoutMs'> = {},
  ): Promise<Completed<T>> {
    return this.#poll<T>(callId, deadlineOf(options.timeoutMs ?? this.options.timeoutMs), 0);
  }

  /** What this agent could use at all: tools with their schemas, namespaces, destinations. The rest is not named. */
  async catalog(options: Pick<CallOptions, 'timeoutMs'> = {}): Promise<Catalog> {
    const deadlineMs = deadlineOf(options.timeoutMs ?? this.options.timeoutMs);
    return fetchCatalog((after) => {
      const message = encode({ v: 1, ...(after === undefined ? {} : { after }) });
      return this.#send(CATALOG_LIST, { message }, deadlineMs);
    });
  }

  /** Closes the connection. Calls in flight go on without us; their results can be fetched with `result`. */
  async close(): Promise<void> {
    await this.bus.close();
  }

  async #progress(call: string): Promise<Progress | undefined> {
    const message = encode({ v: 1, call });
    return readProgress(await this.#send('call.result', { call, message }, deadlineOf(PROGRESS_WITHIN_MS)), call);
  }

  async #call<T extends Json>(operation: RequestKind, body: JsonObject, options: CallOptions): Promise<Completed<T>> {
    const { call = randomUUID(), session, trace } = options;
    const message = encode({
      v: 1,
      call,
      ...(session === undefined ? {} : { session }),
      ...(trace === undefined ? {} : { trace }),
      ...body,
    });
    if (message.length > REQUEST_JSON_LIMITS.bytesMax) {
      const sizes = `${message.length} bytes; the limit is ${REQUEST_JSON_LIMITS.bytesMax}`;
      throw new Refused(`the request has ${sizes}`, { code: 'INPUT_TOO_LARGE', callId: call });
    }
    const retries = Math.min(options.retries ?? this.options.retries ?? 0, RETRIES_MAX);
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt<T>(
          operation,
          { call, message },
          deadlineOf(options.timeoutMs ?? this.options.timeoutMs),
        );
      } catch (error) {
        const isWorthAnother = error instanceof Unavailable || error instanceof Unanswered;
        if (!isWorthAnother || attempt >= retries) throw error;
        await delay(RETRY_PAUSE_MS * 2 ** attempt);
      }
    }
  }

  async #attempt<T extends Json>(
    operation: RequestKind,
    { call, message }: { readonly call: string; readonly message: Uint8Array },
    deadlineMs: number,
  ): Promise<Completed<T>> {
    const reading = await this.#ask(operation, { call, message }, deadlineMs);
    return reading === 'pending' ? this.#poll<T>(call, deadlineMs, POLL_FIRST_MS) : settle<T>(reading);
  }

  /** Asks for a result until it is there, with growing pauses. */
  async #poll<T extends Json>(call: string, deadlineMs: number, firstPauseMs: number): Promise<Completed<T>> {
    const message = encode({ v: 1, call });
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(Math.max(pauseMs * 2, POLL_FIRST_MS), POLL_MAX_MS)) {
      if (performance.now() + pauseMs >= deadlineMs) {
        throw new Unanswered('the call is still running', { code: 'UNANSWERED', callId: call });
      }
      await delay(pauseMs);
      const reading = await this.#ask('call.result', { call, message }, deadlineMs);
      if (reading !== 'pending') return settle<T>(reading);
    }
  }

  async #ask(
    operation: RequestKind | 'call.result',
    { call, message }: { readonly call: string; readonly message: Uint8Array },
    deadlineMs: number,
  ): Promise<Reading> {
    return readAnswer(await this.#send(operation, { call, message }, deadlineMs), call);
  }

  async #send(
    operation: string,
    { call, message }: { readonly call?: string; readonly message: Uint8Array },
    deadlineMs: number,
  ): Promise<Uint8Array> {
    const subject = subjects.request(this.name, operation);
    const leftMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
    try {
      return await this.bus.request(subject, message, leftMs);
    } catch (error) {
      throw error instanceof BusProblem ? toWritError(error, call) : error;
    }
  }
}

function encode(message: JsonObject): Uint8Array {
  // Canonical JSON throws a TypeError on what is not JSON, such as undefined or NaN, instead of sending something else.
  return new TextEncoder().encode(canonicalJson(message));
}

function settle<T extends Json>(reading: Exclude<Reading, 'pending'>): Completed<T> {
  if ('error' in reading) throw reading.error;
  return reading.completed as Completed<T>;
}

function toWritError(problem: BusProblem, callId: string | undefined): WritError {
  const details = { callId, cause: problem };
  switch (problem.kind) {
    case 'unavailable':
      return new Unavailable(problem.message, { code: 'DECISION_UNAVAILABLE', ...details });
    case 'unanswered':
      return new Unanswered(problem.message, { code: 'UNANSWERED', ...details });
    case 'not-permitted':
      return new NotPermitted(problem.message, { code: 'NOT_PERMITTED', ...details });
  }
}

function deadlineOf(timeoutMs: number = TIMEOUT_MS): number {
  return performance.now() + timeoutMs;
}
