import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Json, parseStrictJson, REQUEST_JSON_LIMITS } from '#writ/contracts';
import { Fault, type FaultCode, FAULTS, messageOf, toFault } from '#writ/faults';
import type { AccessPoint } from './access-point.js';
import type { AccessTokens } from './access-tokens.js';
import { HttpProblem, statusOf } from './http-problem.js';

export interface AccessServerOptions {
  readonly point: AccessPoint;
  readonly tokens: AccessTokens;
  /** Of all clients; of one it is half, rounded up. */
  readonly requestsInFlightMax: number;
  /** Who takes longer to send a request is cut off. */
  readonly requestTimeoutMs: number;
  /** The address that enforcement points know. */
  readonly publicUrl: () => string;
  readonly log: {
    info(fields: Record<string, unknown>, message: string): void;
    error(fields: Record<string, unknown>, message: string): void;
  };
}

const EVALUATION = '/access/v1/evaluation';
const EVALUATIONS = '/access/v1/evaluations';
const CONFIGURATION = '/.well-known/authzen-configuration';
const KEEP_ALIVE_MS = 5_000;
const CONNECTIONS_MAX = 512;
const HEADER_BYTES_MAX = 8_192;
/** What is echoed and recorded of an `X-Request-ID`; another one is neither. */
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** The AuthZEN API over HTTP: who asks is known by its token before a byte of what it asks is read. */
export function createAccessServer(options: AccessServerOptions): Server {
  const handler = handlerOf(options);
  const { requestTimeoutMs } = options;
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: requestTimeoutMs / 4,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    (request, response) => void handler(request, response),
  );
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

function handlerOf(options: AccessServerOptions) {
  const { requestsInFlightMax } = options;
  const ofClientMax = Math.ceil(requestsInFlightMax / 2);
  let inFlight = 0;
  const inFlightOf = new Map<string, number>();
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const startedMs = performance.now();
    const requestId = requestIdOf(request);
    let client: string | undefined;
    let outcome: string = 'answered';
    try {
      if (route(request) === CONFIGURATION) {
        send(response, 200, requestId, configurationOf(options.publicUrl()));
        return;
      }
      const known = options.tokens.clientOf(request.headers.authorization);
      client = known.name;
      if (!known.canEvaluate) throw new Fault('ACCESS_FORBIDDEN', 'the client may not evaluate');
      const ofClient = inFlightOf.get(client) ?? 0;
      // No client leaves the others without a place.
      if (inFlight >= requestsInFlightMax || ofClient >= ofClientMax) throw new Fault('BUSY', FAULTS.BUSY.means);
      inFlight += 1;
      inFlightOf.set(client, ofClient + 1);
      try {
        const caller = { client: known, requestId };
        const body = parseStrictJson(await bodyOf(request));
        const isOne = route(request) === EVALUATION;
        const answer = isOne
          ? await options.point.evaluation(body, caller)
          : await options.point.evaluations(body, caller);
        send(response, 200, requestId, answer);
      } finally {
        inFlight -= 1;
        inFlightOf.set(client, (inFlightOf.get(client) ?? 1) - 1);
      }
    } catch (thrown) {
      outcome = refuse(response, requestId, thrown, options.log);
    } finally {
      const ms = Math.round((performance.now() - startedMs) * 100) / 100;
      options.log.info({ client, path: request.url?.slice(0, 64), outcome, status: response.statusCode, ms }, 'access');
    }
  };
}

/** The path, when it is one of ours, asked for as it wants to be. Throws HttpProblem. */
function route({ url, method, headers }: IncomingMessage): string {
  const isPost = url === EVALUATION || url === EVALUATIONS;
  if (!isPost && url !== CONFIGURATION) throw new HttpProblem(404, 'no such path');
  if (method !== (isPost ? 'POST' : 'GET')) throw new HttpProblem(405, `the method must be ${isPost ? 'POST' : 'GET'}`);
  if (isPost && !/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new HttpProblem(415, 'the content type must be application/json');
  }
  return url;
}

/** The whole body. Throws INPUT_TOO_LARGE as soon as it is over the limit, INPUT_NOT_JSON when it ends before its end. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > REQUEST_JSON_LIMITS.bytesMax) {
        throw new Fault('INPUT_TOO_LARGE', `the body is over ${REQUEST_JSON_LIMITS.bytesMax} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw new Fault('INPUT_NOT_JSON', 'the body did not arrive', { cause: thrown });
  }
  return Buffer.concat(chunks);
}

function refuse(
  response: ServerResponse,
  requestId: string | undefined,
  thrown: unknown,
  log: AccessServerOptions['log'],
): FaultCode {
  const fault = thrown instanceof HttpProblem ? thrown.fault : toFault(thrown);
  const status = thrown instanceof HttpProblem ? thrown.status : statusOf(fault.code);
  if (status >= 500 && fault.code !== 'BUSY')
    log.error({ code: fault.code, detail: messageOf(fault) }, 'access failed');
  const message = fault.isToldToSender ? fault.message : FAULTS[fault.code].means;
  // What was not read of the body is not waited for.
  response.setHeader('connection', 'close');
  if (status === 401) response.setHeader('www-authenticate', 'Bearer');
  if (status === 503) response.setHeader('retry-after', '1');
  send(response, status, requestId, { code: fault.code, message });
  return fault.code;
}

function send(response: ServerResponse, status: number, requestId: string | undefined, body: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
  });
  response.end(JSON.stringify(body));
}

function requestIdOf({ headers }: IncomingMessage): string | undefined {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : undefined;
}

function configurationOf(url: string): Json {
  return {
    policy_decision_point: url,
    access_evaluation_endpoint: `${url}${EVALUATION}`,
    access_evaluations_endpoint: `${url}${EVALUATIONS}`,
    supported_obligations: ['redact', 'limit', 'filter', 'label'],
  };
}
