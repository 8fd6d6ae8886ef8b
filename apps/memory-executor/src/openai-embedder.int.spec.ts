import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CredentialBroker } from '#writ/credentials';
import type { CredentialUse } from '#writ/execution';
import { OpenAiEmbedder } from './openai-embedder.js';

const TOKEN = 'sk-0123456789abcdef';

describe('OpenAiEmbedder', () => {
  let server: Server;
  let answer: (input: readonly string[]) => { status?: number; body: string };
  const requests: { url: string; authorization: string | undefined; body: unknown }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as { input: string[] };
        requests.push({ url: request.url ?? '', authorization: request.headers.authorization, body });
        const { status = 200, body: text } = answer(body.input);
        response.writeHead(status, { 'content-type': 'application/json' }).end(text);
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterAll(() => new Promise((done) => server.close(done)));

  function embedder(
    changes: { credential?: string; dimensions?: number; internal?: boolean; timeoutMs?: number } = {},
  ) {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const record = { from: { env: 'KEY' }, origins: [origin], header: 'authorization', format: 'Bearer {}' };
    const { timeoutMs, ...declared } = changes;
    return new OpenAiEmbedder({
      declaration: {
        kind: 'openai',
        url: `${origin}/v1/embeddings`,
        model: 'small',
        dimensions: 3,
        internal: true,
        ...declared,
      },
      credentials: new CredentialBroker({ openai: record }, { env: () => TOKEN, readFile: async () => '' }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  const vectors = (input: readonly string[]) => ({
    body: JSON.stringify({
      object: 'list',
      data: input.map((text, index) => ({ object: 'embedding', index, embedding: [text.length, 1, 0] })).reverse(),
    }),
  });

  it('asks for all texts at once and gives the vectors in the order of the texts', async () => {
    answer = vectors;
    await expect(embedder().embed(['a', 'bbb'])).resolves.toEqual({
      vectors: [
        [1, 1, 0],
        [3, 1, 0],
      ],
    });
    expect(requests.at(-1)).toEqual({
      url: '/v1/embeddings',
      authorization: undefined,
      body: { model: 'small', input: ['a', 'bbb'], encoding_format: 'float' },
    });
  });

  it.each<[string, boolean, () => { status?: number; body: string }]>([
    ['when the service answers', true, () => vectors(['a'])],
    ['when it fails', false, () => ({ status: 503, body: '{}' })],
  ])('sends the credential and tells that it was used %s', async (_case, isEmbedded, given) => {
    answer = given;
    const told: CredentialUse[] = [];
    const embedding = embedder({ credential: 'openai' }).embed(['a'], { onCredential: (use) => told.push(use) });
    await expect(
      embedding.then(
        () => true,
        () => false,
      ),
    ).resolves.toBe(isEmbedded);
    expect(requests.at(-1)?.authorization).toBe(`Bearer ${TOKEN}`);
    expect(told).toEqual([{ name: 'openai', origin: expect.stringMatching(/^http:/), echoed: false }]);
  });

  it('refuses vectors of another dimension than the declared one', async () => {
    answer = vectors;
    await expect(embedder({ dimensions: 8 }).embed(['a'])).rejects.toMatchObject({
      code: 'EXECUTOR_DIMENSION_MISMATCH',
    });
  });

  it.each<[string, string, number]>([
    ['an error', '{"error":"overloaded"}', 503],
    ['something that is not JSON', '<html>', 200],
    ['another shape', '{"data":[{"index":0,"embedding":["a"]}]}', 200],
    ['too few vectors', '{"data":[]}', 200],
    ['too much', `"${'x'.repeat(200_000)}"`, 200],
  ])('fails without detail when the service answers %s', async (_case, body, status) => {
    answer = () => ({ status, body });
    await expect(embedder().embed(['a'])).rejects.toMatchObject({
      code: 'EXECUTOR_EMBEDDER_FAILED',
      message: 'the text could not be embedded',
    });
  });

  it('does not dial a private address that is not declared as internal', async () => {
    const before = requests.length;
    await expect(embedder({ internal: false }).embed(['a'])).rejects.toMatchObject({
      code: 'EXECUTOR_EMBEDDER_FAILED',
    });
    expect(requests).toHaveLength(before);
  });

  it('stops when the caller gives up', async () => {
    await expect(embedder().embed(['a'], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'EXECUTOR_TIMEOUT',
    });
  });
});
