import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** Of so many requests one is turned away. */
const REFUSES_EVERY = 4;

/** A receiver of NDJSON on 127.0.0.1 that is busy now and then, and keeps what it says yes to. */
export class SiemReceiver implements AsyncDisposable {
  text = '';
  refusals = 0;
  isBusyAtTimes = true;
  #requests = 0;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<SiemReceiver> {
    const receiver = new SiemReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch {
      // The exporter was killed in the middle of a request: nothing was promised.
      return;
    }
    this.#requests += 1;
    if (this.isBusyAtTimes && this.#requests % REFUSES_EVERY === 0) {
      this.refusals += 1;
      response.writeHead(503).end();
      return;
    }
    this.text += gunzipSync(Buffer.concat(chunks)).toString();
    response.writeHead(200).end();
  }
}
