import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readCatalogue } from '#writ/catalogue';
import type { CommandBody } from '#writ/contracts';
import { CredentialBroker } from '#writ/credentials';
import type { CredentialUse } from '#writ/execution';
import { sendOutbound } from '#writ/outbound';
import { HttpToolRunner } from './http-tool.js';

const TOKEN = 'xoxb-secret-token-1';

async function setup(handle: (request: IncomingMessage, response: ServerResponse) => void, settings = '') {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const catalogue = readCatalogue(
    `version: 1
ledger: test/default/0
tools:
  post:
    kind: http
    method: POST
    url: ${origin}/api/{channel}
    credential: bot
    internal: true
    ${settings}
    input: { required: [channel], properties: { channel: { type: string }, text: { type: string } } }
credentials: { bot: { from: { env: BOT }, origins: ['${origin}'] } }`,
    { file: 'writ.yaml', baseDirectory: '/', environment: {} },
  );
  const broker = new CredentialBroker(catalogue.config.credentials, { env: () => TOKEN, readFile: async () => '' });
  const runner = new HttpToolRunner(broker, sendOutbound);
  const command = { tenant: 'default', agent: 'a', call: 'c', args: { channel: 'general', text: 'hi' } };
  const told: CredentialUse[] = [];
  const run = (signal = new AbortController().signal) =>
    runner.run(catalogue.tool('post'), {
      command: command as unknown as CommandBody,
      signal,
      onCredential: (use) => told.push(use),
    });
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { origin, run, told, [Symbol.asyncDispose]: close };
}

describe('an HTTP tool at a real server', () => {
  it('sends the credential that the agent never sees, and takes it out of the answer', async () => {
    await using service = await setup((request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ path: request.url, seen: request.headers.authorization }));
    });
    expect(await service.run()).toEqual({
      output: { path: '/api/general', seen: 'Bearer [credential:bot]' },
      bytes: expect.any(Number),
    });
    expect(service.told).toEqual([{ name: 'bot', origin: service.origin, echoed: true }]);
  });

  it('fails with the status of an error, and tells all the same that the credential was used', async () => {
    await using service = await setup((_, response) => response.writeHead(403).end('no'));
    await expect(service.run()).rejects.toMatchObject({ code: 'EXECUTOR_FAILED' });
    expect(service.told).toEqual([{ name: 'bot', origin: service.origin, echoed: false }]);
  });

  it('refuses an answer over the limit of the tool', async () => {
    await using service = await setup((_, response) => response.end('x'.repeat(101)), 'outputBytesMax: 100');
    await expect(service.run()).rejects.toMatchObject({ code: 'EXECUTOR_OUTPUT_TOO_LARGE' });
  });

  it('EXECUTOR-07: ends a call that hangs at the limit of the tool, or when it is told to stop', async () => {
    await using service = await setup(() => {}, 'timeoutMs: 100');
    await expect(service.run()).rejects.toMatchObject({ code: 'EXECUTOR_TIMEOUT' });
    await expect(service.run(AbortSignal.timeout(20))).rejects.toMatchObject({ code: 'EXECUTOR_TIMEOUT' });
  });

  it('WIRE-13: takes no compressed answer', async () => {
    await using service = await setup((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    );
    await expect(service.run()).rejects.toMatchObject({ code: 'EXECUTOR_BAD_ANSWER' });
  });
});
