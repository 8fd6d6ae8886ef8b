import { Fault } from '#writ/faults';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Agent, request } from 'undici';
import type { Delivery } from '../ports.js';

export interface HttpOptions {
  readonly url: string;
  readonly headersFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly gzip: boolean;
  /** For everything together: connection, request and whole answer. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

const ANSWER_BYTES_MAX = 65_536;
const OTHERS_MASK = 0o077;
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~]*?)[ \t]*$/;
const gzipAsync = promisify(gzip);

/** Statuses that say that this content will never be taken, whoever sends it and whenever. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** Posts batches over one kept connection, with the headers of a file that is read anew each time. Redirects are not followed. */
export class HttpClient {
  #agent: Agent | undefined;

  constructor(private readonly options: HttpOptions) {}

  /** The whole answer. Throws when the connection fails, ends early, or time is up: then nobody knows what arrived. */
  async post(body: string, headers: Readonly<Record<string, string>>, url = this.options.url): Promise<HttpAnswer> {
    const { gzip: isCompressed, timeoutMs, headersFile } = this.options;
    const bytes = isCompressed ? await gzipAsync(body, { level: 1 }) : Buffer.from(body);
    const answer = await request(url, {
      dispatcher: await this.#connected(),
      method: 'POST',
      headers: {
        ...headers,
        ...(isCompressed && { 'content-encoding': 'gzip' }),
        ...(headersFile !== undefined && (await readHeaders(headersFile))),
      },
      body: bytes,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const after = Number(answer.headers['retry-after']);
    return {
      status: answer.statusCode,
      text: await readText(answer.body),
      retryAfterMs: Number.isFinite(after) && after >= 0 ? after * 1_000 : undefined,
    };
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
    this.#agent = undefined;
  }

  async #connected(): Promise<Agent> {
    const { caFile, timeoutMs } = this.options;
    if (this.#agent !== undefined) return this.#agent;
    const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
    this.#agent = new Agent({
      connections: 1,
      pipelining: 1,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: { timeout: timeoutMs, ...(ca !== undefined && { ca }) },
    });
    return this.#agent;
  }
}

/**
 * What a status means for a batch, but for 2xx. A token that expired, a limit, a page that moved: all of them may be over tomorrow, so only
 * what is about the content is a refusal.
 */
export function deliveryOf({ status, retryAfterMs }: HttpAnswer): Delivery {
  const why = `the receiver answers ${status}`;
  return REFUSALS.has(status)
    ? { status: 'refused', why, code: `HTTP_${status}` }
    : { status: 'again', why, afterMs: retryAfterMs };
}

/** Whether the receiver says that it has what it was sent. */
export function isSuccess({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer of the receiver is over ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readHeaders(file: string): Promise<Record<string, string>> {
  const { mode } = await stat(file);
  if ((mode & OTHERS_MASK) !== 0) throw new Fault('CONFIG_KEY', `others may read \`${file}\`: \`chmod 600\` it`);
  const lines = (await readFile(file, 'utf8')).split(/\r?\n/).filter((line) => line.trim() !== '');
  const headers: Record<string, string> = {};
  lines.forEach((line, at) => {
    const match = HEADER.exec(line);
    // The line is a secret: its number is all that is said of it.
    if (match === null) throw new Fault('CONFIG_KEY', `line ${at + 1} of \`${file}\` is no header`);
    headers[(match[1] ?? '').toLowerCase()] = match[2] ?? '';
  });
  return headers;
}
