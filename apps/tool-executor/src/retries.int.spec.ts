import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readCatalogue } from '#writ/catalogue';
import type { CommandBody } from '#writ/contracts';
import { CredentialBroker } from '#writ/credentials';
import { sendOutbound } from '#writ/outbound';
import { HttpToolRunner } from './http-tool.js';
import type { ToolKindRunner } from './ports.js';
import { ToolRunner } from './tool-runner.js';

const unused: ToolKindRunner = { run: () => Promise.reject(new Error('not this one')) };

/** Calls the tool `again` or `once` at that port, and says how the call ended and how often it was tried. */
async function call(name: 'again' | 'once', port: number, onAttempt = (_attempts: number) => {}) {
  const tool = `{ kind: http, method: POST, url: 'http://127.0.0.1:${port}/', internal: true, input: {}, retries: { max: 8, pauseMs: 20 }`;
  const catalogue = readCatalogue(
    `version: 1\nledger: test/default/0\ntools:\n  once: ${tool} }\n  again: ${tool}, idempotent: true }`,
    { file: 'writ.yaml', baseDirectory: '/', environment: {} },
  );
  const http = new HttpToolRunner(new CredentialBroker({}, { env: () => '', readFile: async () => '' }), sendOutbound);
  const runner = new ToolRunner(catalogue, { http, mcp: unused, command: unused, function: unused });
  const body = {
    ...{ tenant: 'default', agent: 'a', call: 'c-1', args: {}, obligations: [] },
    ...{ resource: name, dig: catalogue.tool(name).digest, finishBy: Date.now() + 60_000 },
  } as unknown as CommandBody;
  let attempts = 0;
  const { signal } = new AbortController();
  const end = await runner
    .run(body, signal, () => undefined, { onAttempt: () => onAttempt(++attempts) })
    .catch((error: unknown) => error);
  return { end, attempts };
}

/** A service that handles its n-th request so, and remembers the keys of all. */
async function serve(handle: (n: number, request: IncomingMessage, response: ServerResponse) => void, port = 0) {
  const keys: unknown[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key']);
    handle(keys.length, request, response);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { keys, port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

describe('an HTTP tool whose service fails for a moment', () => {
  const DONE = { end: { output: 'done' } };
  const reset = (_n: number, { socket }: IncomingMessage) => socket.destroy();

  it('is asked again with the same key when it is idempotent: after a reset, after 503, after 429', async () => {
    await using service = await serve((n, { socket }, response) => {
      if (n === 1) socket.destroy();
      else if (n < 4) response.writeHead(n === 2 ? 503 : 429, { 'retry-after': '0' }).end();
      else response.end('done');
    });
    await expect(call('again', service.port)).resolves.toMatchObject({ ...DONE, attempts: 4 });
    expect(service.keys).toEqual(Array(4).fill('default/a/c-1'));
  });

  it('is asked once when it is not idempotent, if anything may have reached it', async () => {
    for (const handle of [
      reset,
      (_n: number, _r: IncomingMessage, response: ServerResponse) => response.writeHead(503).end(),
    ]) {
      await using service = await serve(handle);
      await expect(call('once', service.port)).resolves.toMatchObject({
        end: { code: 'EXECUTOR_FAILED' },
        attempts: 1,
      });
      expect(service.keys).toEqual([undefined]);
    }
  });

  it('and is not listening yet is asked again in any case: nothing was sent', async () => {
    const before = await serve(() => undefined);
    await before[Symbol.asyncDispose]();
    const { port } = before;
    let service: Awaited<ReturnType<typeof serve>> | undefined;
    let listening: Promise<void> | undefined;
    // It listens from the second try on: the first found nobody.
    const begin = async () => void (service = await serve((_n, _request, response) => response.end('done'), port));
    const { end, attempts } = await call('once', port, (n) => {
      if (n === 2) listening = begin();
    });
    await listening;
    expect([end, service?.keys]).toMatchObject([{ output: 'done' }, [undefined]]);
    expect(attempts).toBeGreaterThanOrEqual(2);
    await service?.[Symbol.asyncDispose]();
  });
});
