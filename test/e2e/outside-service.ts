import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that reached the outside: something was done. */
export interface Effect {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly authorization: string | undefined;
  readonly idempotencyKey: string | undefined;
}

export const LEAKED_EMAIL = 'ada.lovelace@example.com';

/**
 * A service outside of Writ, on 127.0.0.1, that remembers every request that reached it. `/act` answers at once, `/hold` when
 * it is released, `/echo-secret` sends the credential back, `/echo-forms` in many forms and with a header of it, `/fail-secret` in an error,
 * `/person` answers personal data, `/redirect` points elsewhere.
 */
export class OutsideService implements AsyncDisposable {
  readonly effects: Effect[] = [];
  #held: ServerResponse[] = [];
  #url = '';
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<OutsideService> {
    const service = new OutsideService();
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    service.#url = `http://127.0.0.1:${(service.#server.address() as AddressInfo).port}`;
    return service;
  }

  get url(): string {
    return this.#url;
  }

  /** How often something was done with that text in its body. */
  countOf(marker: string): number {
    return this.effects.filter(({ body }) => body.includes(marker)).length;
  }

  /** Answers everything that is held. */
  release(): void {
    for (const response of this.#held.splice(0)) respond(response, 200, { released: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { authorization } = request.headers;
    const idempotencyKey = request.headers['idempotency-key'];
    const path = new URL(request.url ?? '/', this.#url).pathname;
    this.effects.push({
      method: request.method ?? '',
      path,
      body: Buffer.concat(chunks).toString(),
      authorization,
      idempotencyKey: typeof idempotencyKey === 'string' ? idempotencyKey : undefined,
    });
    if (path === '/hold') this.#held.push(response);
    else if (path === '/echo-secret') respond(response, 200, { sent: authorization ?? null });
    else if (path === '/echo-forms') respond(response, 200, formsOf(authorization), { link: `<${authorization}>` });
    else if (path === '/fail-secret') respond(response, 500, formsOf(authorization), { etag: `"${authorization}"` });
    else if (path === '/person') respond(response, 200, { name: 'Ada', email: LEAKED_EMAIL });
    else if (path === '/redirect') response.writeHead(302, { location: `${this.#url}/act` }).end();
    else respond(response, 200, { done: true });
  }
}

function respond(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Forms in which services send back what they were sent. */
function formsOf(authorization = ''): readonly string[] {
  const secret = authorization.replace(/^Bearer /, '');
  const points = [...secret].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  return [
    secret,
    JSON.stringify(JSON.stringify({ secret })),
    points,
    encodeURIComponent(secret),
    encodeURIComponent(encodeURIComponent(secret)),
    Buffer.from(secret).toString('base64'),
    Buffer.from(`user:${secret}`).toString('base64'),
    Buffer.from(secret).toString('hex'),
    [...secret].toReversed().join(''),
  ];
}
