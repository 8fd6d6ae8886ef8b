import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Fault, messageOf, toFault } from '#writ/faults';
import {
  type ClaimedCheckpoint,
  checkpointPath,
  parseAddCheckpoint,
  REQUEST_BYTES_MAX,
  SIZE_MEDIA_TYPE,
} from '#writ/witness';
import type { Witness } from './open-witness.js';
import type { Answer } from './witnessed-log.js';

const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
const CONNECTIONS_MAX = 256;
const HEADER_BYTES_MAX = 8_192;
const ORIGIN_SHOWN_MAX = 128;

/** Where the witness says what it does: one line per request, never a body. */
export interface WitnessLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

export interface ServerOptions {
  readonly witness: Pick<Witness, 'key' | 'logs'>;
  readonly log: WitnessLog;
  /** In milliseconds since 1970. */
  readonly now: () => number;
  /** Who takes longer to send a request is cut off. */
  readonly requestTimeoutMs?: number;
}

/** C2SP tlog-witness over HTTP: `POST /add-checkpoint`, `GET /<log>/checkpoint` for monitors, and `GET /healthz`. */
export function createWitnessServer(options: ServerOptions): Server {
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const server = createServer(
    {
      requestTimeout,
      headersTimeout: requestTimeout,
      connectionsCheckingInterval: requestTimeout / 4,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    (request, response) => void serve(request, response, options),
  );
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

async function serve(request: IncomingMessage, response: ServerResponse, options: ServerOptions): Promise<void> {
  const startedMs = performance.now();
  const fields: Record<string, unknown> = { method: request.method, path: request.url?.slice(0, ORIGIN_SHOWN_MAX) };
  let reply: Reply;
  try {
    reply = await replyTo(request, options, fields);
  } catch (thrown) {
    const { code } = toFault(thrown);
    fields['code'] = code;
    reply = {
      status: STATUS_OF[code] ?? 500,
      body: `${code}: ${STATUS_OF[code] === undefined ? 'see the log' : messageOf(thrown)}\n`,
    };
    if (reply.status >= 500 && code !== 'BUSY') options.log.error({ ...fields, detail: messageOf(thrown) }, 'failed');
  }
  // What was not read of a body is not waited for.
  if (!request.complete) response.setHeader('connection', 'close');
  const { status, body, type = 'text/plain; charset=utf-8' } = reply;
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
  const ms = Math.round((performance.now() - startedMs) * 100) / 100;
  options.log.info({ ...fields, status, ms }, 'request');
}

/** Faults of a sender, and of a moment; any other one is the witness's own and is told by its code alone. */
const STATUS_OF: Readonly<Record<string, number>> = {
  INPUT_INVALID: 400,
  INPUT_NOT_UTF8: 400,
  INPUT_TOO_LARGE: 413,
  BUSY: 503,
};

async function replyTo(
  request: IncomingMessage,
  options: ServerOptions,
  fields: Record<string, unknown>,
): Promise<Reply> {
  const { logs } = options.witness;
  const isPost = request.url === '/add-checkpoint';
  if (request.method !== (isPost ? 'POST' : 'GET')) return { status: 405, body: 'no such method here\n' };
  if (isPost) return addCheckpoint(parseAddCheckpoint(await bodyOf(request)), options, fields);
  if (request.url === '/healthz') return healthOf(options.witness);
  const log = [...logs.values()].find(({ origin }) => checkpointPath(origin) === request.url);
  const note = log?.last.note;
  return note === undefined ? { status: 404, body: 'no such checkpoint\n' } : { status: 200, body: note };
}

async function addCheckpoint(
  request: ClaimedCheckpoint,
  options: ServerOptions,
  fields: Record<string, unknown>,
): Promise<Reply> {
  const { claim } = request;
  const origin = claim.origin.slice(0, ORIGIN_SHOWN_MAX);
  Object.assign(fields, { origin, old: request.oldSize, size: claim.size });
  const log = options.witness.logs.get(claim.origin);
  if (log === undefined) return { status: 404, body: 'this witness does not know that log\n' };
  const answer = await log.add(request, () => Math.floor(options.now() / 1_000));
  fields['verdict'] = answer.status;
  if (answer.status === 'other_root') {
    const found = { origin, size: claim.size, note: request.note, cosigned: log.last.note };
    options.log.error(
      found,
      'two histories: the log signed two trees of one size; the other one is kept beside the state',
    );
  } else if (answer.status !== 'cosigned') {
    options.log.warn({ origin, old: request.oldSize, size: claim.size, cosigned: log.last.size }, answer.status);
  }
  return replyOf(answer);
}

/** The answers of C2SP tlog-witness 1.0.0. */
function replyOf(answer: Answer): Reply {
  switch (answer.status) {
    case 'cosigned':
      return { status: 200, body: `${answer.line}\n` };
    case 'unsigned':
      return { status: 403, body: 'no key of that log signed the checkpoint\n' };
    case 'shrinking':
      return { status: 400, body: 'the old size is larger than the checkpoint\n' };
    case 'other_size':
    case 'other_root':
      return { status: 409, body: `${answer.size}\n`, type: SIZE_MEDIA_TYPE };
    case 'inconsistent':
      return { status: 422, body: 'the proof does not show that the checkpoint extends the last one\n' };
  }
}

function healthOf({ key, logs }: ServerOptions['witness']): Reply {
  const isReady = [...logs.values()].every(({ isSound }) => isSound);
  const body = JSON.stringify({ ready: isReady, name: key.name, logs: logs.size });
  return { status: isReady ? 200 : 503, body: `${body}\n`, type: 'application/json' };
}

/** The whole body as text. Throws INPUT_TOO_LARGE as soon as it is over the limit, INPUT_INVALID when it ends before its end. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > REQUEST_BYTES_MAX) throw new Fault('INPUT_TOO_LARGE', `the body is over ${REQUEST_BYTES_MAX} bytes`);
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw new Fault('INPUT_INVALID', 'the body did not arrive', { cause: thrown });
  }
  const bytes = Buffer.concat(chunks);
  if (!isUtf8(bytes)) throw new Fault('INPUT_NOT_UTF8', 'the body is not UTF-8');
  return bytes.toString('utf8');
}
